/* vae: the autoencoder of latent diffusion (AutoencoderKL, Rombach et al. 2022). Levels, blocks and
 * widths are read off the weights; each level but the last doubles the size. */
#ifndef NETWORKS_VAE_H
#define NETWORKS_VAE_H

#include "networks/layers.h"

int vae_has_decoder(const weight_table *weights);
int vae_has_encoder(const weight_table *weights);

/* latents [n,h,w,4], not scaled -> picture [n,8h,8w,3] in -1..1. */
tensor *vae_decode(const network *net, tensor *latents);

/* picture [n,h,w,3] in -1..1 -> [n,h/8,w/8,8]: mean and log variance. h, w are multiples of 8. */
tensor *vae_encode(const network *net, tensor *picture);

#endif
