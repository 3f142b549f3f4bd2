/* clip: CLIP's text encoder (Radford et al. 2021, "Learning Transferable Visual Models From Natural
 * Language Supervision"), as Stable Diffusion 1.x uses ViT-L/14's. Width, depth and MLP are read
 * off the weights. */
#ifndef NETWORKS_CLIP_H
#define NETWORKS_CLIP_H

#include "networks/layers.h"

enum { CLIP_TOKENS = 77 };

int32_t clip_layers(const weight_table *weights);
int32_t clip_width(const weight_table *weights);      /* 0: there is no text encoder */
int32_t clip_vocabulary(const weight_table *weights); /* ids of its own tokens are below it */

/* ids [n,1,77,1] i32 -> [n,1,77,width]: the output of layer (layers + 1 - clip_skip), normed. Ids
 * from the vocabulary's end on are rows of extra [1,1,count,width] f32 (NULL: there are none). */
tensor *clip_encode(const network *net, tensor *ids, tensor *extra, int32_t heads,
                    int32_t clip_skip);

#endif
