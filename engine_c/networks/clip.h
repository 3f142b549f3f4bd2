/* clip: CLIP's text encoder (Radford et al. 2021, "Learning Transferable Visual Models From Natural
 * Language Supervision"), as Stable Diffusion 1.x uses ViT-L/14's, and XL beside it OpenCLIP's
 * bigG. Width, depth and MLP are read off the weights. */
#ifndef NETWORKS_CLIP_H
#define NETWORKS_CLIP_H

#include "networks/layers.h"

enum { CLIP_TOKENS = 77 };

/* The encoders of a model, by what stands before their weights' names. */
static const char CLIP_FIRST[] = "text", CLIP_SECOND[] = "text2";

/* Each 0 where the encoder, or its projection, is not there; ids of its own tokens are below the
 * vocabulary. */
int32_t clip_layers(const weight_table *weights, const char *encoder);
int32_t clip_width(const weight_table *weights, const char *encoder);
int32_t clip_vocabulary(const weight_table *weights, const char *encoder);
int32_t clip_pooled_width(const weight_table *weights, const char *encoder);

typedef struct clip_config {
  const char *encoder;
  int32_t heads;
  int32_t clip_skip; /* 1: the last layer's output, 2: the one before, ... */
  int32_t is_normed; /* 1: what is given out goes through the final norm */
  activation act;    /* of the MLP: ACT_QUICK_GELU in OpenAI's, ACT_GELU in OpenCLIP's */
} clip_config;

/* ids [n,1,77,1] i32 -> [n,1,77,width]. Ids from the vocabulary's end on are rows of extra
 * [1,1,count,width] f32 (NULL: there are none). *projected (NULL: not wished for) becomes the last
 * layer's output, normed and projected, [n,1,77,pooled width]: its row at the end token is the
 * pooled text. */
tensor *clip_encode(const network *net, const clip_config *config, tensor *ids, tensor *extra,
                    tensor **projected);

#endif
