/* unet: the UNet of latent diffusion (Rombach et al. 2022, "High-Resolution Image Synthesis with
 * Latent Diffusion Models"). Its blocks are found by the names of the weights, their sizes by the
 * shapes, so that narrow, pruned and widened relatives are the same code. */
#ifndef NETWORKS_UNET_H
#define NETWORKS_UNET_H

#include "networks/layers.h"

enum { UNET_ATTENTION_LIMIT = 160 }; /* cross attentions in one UNet; SD 1.x has 16, XL 70 */

/* What does not change between the steps: keys and values of every cross attention, in the order in
 * which the UNet meets them, and what is added to the time embedding. */
typedef struct unet_context {
  tensor *keys[UNET_ATTENTION_LIMIT], *values[UNET_ATTENTION_LIMIT];
  int32_t count;
  tensor *label; /* [n,1,1,time width], NULL where the UNet takes no vector */
} unet_context;

typedef struct unet_config {
  int32_t heads; /* at every level, or 0: channels / head_size */
  int32_t head_size;
} unet_config;

int32_t unet_in_channels(const weight_table *weights); /* 0: there is no UNet */
int32_t unet_channels(const weight_table *weights);
int32_t unet_levels(const weight_table *weights);
int32_t unet_context_width(const weight_table *weights); /* 0: no cross attention */
int32_t unet_vector_width(const weight_table *weights);  /* 0: it takes no vector */

/* Projects context [p,1,tokens,width] and, for a UNet with label_emb, vector [n,1,1,vector width]
 * f32 (Podell et al. 2023, "SDXL", section 2.2: pooled text and sizes; else NULL) once for all
 * steps; all outputs are kept. */
void unet_project_context(const network *net, tensor *context, tensor *vector, unet_context *out);

/* latents [n,h,w,in], timestep [1,1,1,1] f32, key_counts [1,1,1,p] i32 (p divides n) ->
 * the prediction [n,h,w,4]. */
tensor *unet_predict(const network *net, const unet_config *config, tensor *latents,
                     tensor *timestep, tensor *key_counts, const unet_context *context);

#endif
