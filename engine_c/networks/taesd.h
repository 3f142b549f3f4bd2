/* taesd: the tiny autoencoder (Ollin Boer Bohan, github.com/madebyollin/taesd): a row of
 * convolutions and residual blocks, numbered as in its Sequential; the layers without weights are
 * known by the gaps. */
#ifndef NETWORKS_TAESD_H
#define NETWORKS_TAESD_H

#include "networks/layers.h"

int taesd_has_decoder(const weight_table *weights);
int taesd_has_encoder(const weight_table *weights);

/* scaled latents [n,h,w,4] -> picture [n,8h,8w,3] in 0..1. */
tensor *taesd_decode(const network *net, tensor *latents);

/* picture [n,h,w,3] in 0..1 -> scaled latents [n,h/8,w/8,4]. */
tensor *taesd_encode(const network *net, tensor *picture);

#endif
