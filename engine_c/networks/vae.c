/* vae: see vae.h. */
#include "networks/vae.h"

enum { VAE_LEVEL_LIMIT = 8 };
static const float VAE_EPS = 1e-6f;

int vae_has_decoder(const weight_table *weights) {
  return weights_find(weights, "vae.decoder.conv_in.weight") != NULL;
}

int vae_has_encoder(const weight_table *weights) {
  return weights_find(weights, "vae.encoder.conv_in.weight") != NULL;
}

static tensor *vae_resnet(const network *net, layer_path path, tensor *x) {
  tensor *h = layers_group_norm(net, layers_join(path, "norm1"), x, NULL, VAE_EPS, ACT_SILU);
  h = layers_conv_plain(net, layers_join(path, "conv1"), h, ACT_NONE);
  h = layers_group_norm(net, layers_join(path, "norm2"), h, NULL, VAE_EPS, ACT_SILU);
  if (layers_has(net, path, "nin_shortcut.weight"))
    x = layers_conv_plain(net, layers_join(path, "nin_shortcut"), x, ACT_NONE);
  return layers_conv(net, layers_join(path, "conv2"), (conv_inputs){.x = h, .residual = x});
}

static tensor *vae_attention(const network *net, layer_path path, tensor *x) {
  tensor *h = layers_group_norm(net, layers_join(path, "norm"), x, NULL, VAE_EPS, ACT_NONE);
  tensor *q = layers_linear(net, layers_join(path, "q"), h, NULL, ACT_NONE);
  tensor *k = layers_linear(net, layers_join(path, "k"), h, NULL, ACT_NONE);
  tensor *v = layers_linear(net, layers_join(path, "v"), h, NULL, ACT_NONE);
  h = ops_attention(net->g, q, k, v, NULL, 1, 0);
  return layers_linear(net, layers_join(path, "proj_out"), h, x, ACT_NONE);
}

static tensor *vae_middle(const network *net, layer_path path, tensor *x) {
  x = vae_resnet(net, layers_join(path, "block_1"), x);
  if (layers_has(net, path, "attn_1.norm.weight"))
    x = vae_attention(net, layers_join(path, "attn_1"), x);
  return vae_resnet(net, layers_join(path, "block_2"), x);
}

static tensor *vae_level(const network *net, layer_path level, tensor *x) {
  layer_path blocks = layers_join(level, "block");
  for (int32_t i = 0; layers_has(net, layers_item(blocks, i), "conv1.weight"); i++)
    x = vae_resnet(net, layers_item(blocks, i), x);
  return x;
}

static int32_t vae_levels(const network *net, layer_path levels) {
  int32_t count = 0;
  while (count < VAE_LEVEL_LIMIT &&
         layers_has(net, layers_item(levels, count), "block.0.conv1.weight"))
    count++;
  return count;
}

static tensor *vae_end(const network *net, layer_path path, tensor *x) {
  x = layers_group_norm(net, layers_join(path, "norm_out"), x, NULL, VAE_EPS, ACT_SILU);
  return layers_conv_plain(net, layers_join(path, "conv_out"), x, ACT_NONE);
}

tensor *vae_decode(const network *net, tensor *latents) {
  layer_path path = layers_path("vae.decoder"), levels = layers_join(path, "up");
  tensor *x = ops_cast(net->g, latents, net->g->dtype);
  if (layers_has(net, layers_path("vae.post_quant_conv"), "weight"))
    x = layers_conv_plain(net, layers_path("vae.post_quant_conv"), x, ACT_NONE);
  x = layers_conv_plain(net, layers_join(path, "conv_in"), x, ACT_NONE);
  x = vae_middle(net, layers_join(path, "mid"), x);
  for (int32_t i = vae_levels(net, levels); i-- > 0;) {
    layer_path level = layers_item(levels, i);
    x = vae_level(net, level, x);
    if (layers_has(net, level, "upsample.conv.weight"))
      x = layers_conv(
          net, layers_join(level, "upsample.conv"),
          (conv_inputs){.x = x, .upsample = 1, .pad = 1, .out_h = 2 * x->h, .out_w = 2 * x->w});
  }
  return ops_cast(net->g, vae_end(net, path, x), SD_F32);
}

tensor *vae_encode(const network *net, tensor *picture) {
  layer_path path = layers_path("vae.encoder"), levels = layers_join(path, "down");
  tensor *x = ops_cast(net->g, picture, net->g->dtype);
  x = layers_conv_plain(net, layers_join(path, "conv_in"), x, ACT_NONE);
  int32_t count = vae_levels(net, levels);
  for (int32_t i = 0; i < count; i++) {
    layer_path level = layers_item(levels, i);
    x = vae_level(net, level, x);
    /* Zeros after the last row and column only, as the model was trained: pad 0 before. */
    if (layers_has(net, level, "downsample.conv.weight"))
      x = layers_conv(net, layers_join(level, "downsample.conv"),
                      (conv_inputs){.x = x, .stride = 2, .out_h = x->h / 2, .out_w = x->w / 2});
  }
  x = vae_middle(net, layers_join(path, "mid"), x);
  x = vae_end(net, path, x);
  if (layers_has(net, layers_path("vae.quant_conv"), "weight"))
    x = layers_conv_plain(net, layers_path("vae.quant_conv"), x, ACT_NONE);
  return ops_cast(net->g, x, SD_F32);
}
