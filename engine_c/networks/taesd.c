/* taesd: see taesd.h. */
#include "networks/taesd.h"

enum { TAESD_LAYER_LIMIT = 64, TAESD_DECODER_FIRST = 1 }; /* layer 0 of the decoder is the clamp */

int taesd_has_decoder(const weight_table *weights) {
  return weights_find(weights, "taesd.decoder.1.weight") != NULL;
}

int taesd_has_encoder(const weight_table *weights) {
  return weights_find(weights, "taesd.encoder.0.weight") != NULL;
}

static tensor *taesd_block(const network *net, layer_path path, tensor *x) {
  tensor *h = layers_conv_plain(net, layers_join(path, "conv.0"), x, ACT_RELU);
  h = layers_conv_plain(net, layers_join(path, "conv.2"), h, ACT_RELU);
  if (layers_has(net, path, "skip.weight"))
    x = layers_conv_plain(net, layers_join(path, "skip"), x, ACT_NONE);
  return layers_conv(net, layers_join(path, "conv.4"),
                     (conv_inputs){.x = h, .residual = x, .act = ACT_RELU});
}

tensor *taesd_decode(const network *net, tensor *latents) {
  layer_path path = layers_path("taesd.decoder");
  tensor *x = ops_activation(net->g, ops_cast(net->g, latents, net->g->dtype), ACT_TANH3);
  for (int32_t i = TAESD_DECODER_FIRST; i < TAESD_LAYER_LIMIT; i++) {
    layer_path layer = layers_item(path, i);
    if (layers_has(net, layer, "conv.0.weight")) {
      x = taesd_block(net, layer, x);
    } else if (layers_has(net, layer, "bias")) {
      activation act = i == TAESD_DECODER_FIRST ? ACT_RELU : ACT_NONE;
      x = layers_conv_plain(net, layer, x, act);
    } else if (layers_has(net, layer, "weight")) { /* no bias: it follows an upsampling */
      x = layers_conv(
          net, layer,
          (conv_inputs){.x = x, .upsample = 1, .pad = 1, .out_h = 2 * x->h, .out_w = 2 * x->w});
    }
  }
  return ops_cast(net->g, x, SD_F32);
}

tensor *taesd_encode(const network *net, tensor *picture) {
  layer_path path = layers_path("taesd.encoder");
  tensor *x = ops_cast(net->g, picture, net->g->dtype);
  for (int32_t i = 0; i < TAESD_LAYER_LIMIT; i++) {
    layer_path layer = layers_item(path, i);
    if (layers_has(net, layer, "conv.0.weight")) {
      x = taesd_block(net, layer, x);
    } else if (layers_has(net, layer, "weight")) { /* no bias: it halves the size */
      int32_t stride = layers_has(net, layer, "bias") ? 1 : 2;
      x = layers_conv(net, layer, (conv_inputs){.x = x, .stride = stride});
    }
  }
  return ops_cast(net->g, x, SD_F32);
}
