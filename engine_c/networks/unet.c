/* unet: see unet.h. */
#include "networks/unet.h"

enum { UNET_BLOCK_LIMIT = 64, UNET_DEPTH_LIMIT = 16 };
static const float UNET_RESNET_EPS = 1e-5f, UNET_TRANSFORMER_EPS = 1e-6f;

/* What the blocks share while one UNet is recorded. */
typedef struct unet {
  const network *net;
  const unet_config *config;
  const unet_context *context;
  tensor *time, *key_counts;
  int32_t next_attention;
} unet;

int32_t unet_in_channels(const weight_table *weights) {
  const weight *w = weights_find(weights, "unet.input_blocks.0.0.weight");
  return w ? (int32_t)w->shape[1] : 0;
}

int32_t unet_channels(const weight_table *weights) {
  const weight *w = weights_find(weights, "unet.time_embed.0.weight");
  return w ? (int32_t)w->shape[1] : 0;
}

static layer_path unet_input_block(int32_t i) { return layers_path("unet.input_blocks.%d", i); }
static layer_path unet_output_block(int32_t i) { return layers_path("unet.output_blocks.%d", i); }

static int32_t unet_input_blocks(const network *net) {
  int32_t count = 0;
  while (count < UNET_BLOCK_LIMIT &&
         (layers_has(net, unet_input_block(count), "0.weight") ||
          layers_has(net, unet_input_block(count), "0.in_layers.2.weight") ||
          layers_has(net, unet_input_block(count), "0.op.weight")))
    count++;
  return count;
}

int32_t unet_levels(const weight_table *weights) {
  network net = {.weights = weights};
  int32_t levels = 1;
  for (int32_t i = 0; i < unet_input_blocks(&net); i++)
    levels += layers_has(&net, unet_input_block(i), "0.op.weight");
  return levels;
}

/* Calls visit for the path of every cross attention, in the order of the forward pass. */
static void unet_each_attention(const network *net, layer_path block,
                                void (*visit)(const network *net, layer_path path, void *user),
                                void *user) {
  for (int32_t j = 0; layers_has(net, layers_item(block, j), "in_layers.2.weight") ||
                      layers_has(net, layers_item(block, j), "proj_in.weight");
       j++) {
    layer_path blocks = layers_join(layers_item(block, j), "transformer_blocks");
    for (int32_t d = 0; layers_has(net, layers_item(blocks, d), "attn2.to_k.weight"); d++)
      visit(net, layers_join(layers_item(blocks, d), "attn2"), user);
  }
}

static void unet_each_block(const network *net,
                            void (*visit)(const network *net, layer_path path, void *user),
                            void *user) {
  int32_t count = unet_input_blocks(net);
  for (int32_t i = 1; i < count; i++) unet_each_attention(net, unet_input_block(i), visit, user);
  unet_each_attention(net, layers_path("unet.middle_block"), visit, user);
  for (int32_t i = 0; i < count; i++) unet_each_attention(net, unet_output_block(i), visit, user);
}

static void unet_note_width(const network *net, layer_path path, void *user) {
  const weight *w = layers_weight(net, path, "to_k.weight");
  *(int32_t *)user = (int32_t)w->shape[1];
}

int32_t unet_context_width(const weight_table *weights) {
  network net = {.weights = weights};
  int32_t width = 0;
  unet_each_block(&net, unet_note_width, &width);
  return width;
}

int32_t unet_vector_width(const weight_table *weights) {
  const weight *w = weights_find(weights, "unet.label_emb.0.0.weight");
  return w ? (int32_t)w->shape[1] : 0;
}

typedef struct unet_projection {
  tensor *context;
  unet_context *out;
} unet_projection;

static void unet_project(const network *net, layer_path path, void *user) {
  unet_projection *p = user;
  if (p->out->count == UNET_ATTENTION_LIMIT) {
    graph_fail(net->g, SD_BAD_MODEL, "the UNet has more than %d cross attentions",
               UNET_ATTENTION_LIMIT);
    return;
  }
  int32_t i = p->out->count++;
  tensor *k = layers_linear(net, layers_join(path, "to_k"), p->context, NULL, ACT_NONE);
  tensor *v = layers_linear(net, layers_join(path, "to_v"), p->context, NULL, ACT_NONE);
  p->out->keys[i] = graph_keep(k);
  p->out->values[i] = graph_keep(v);
}

static tensor *unet_embed_vector(const network *net, tensor *vector) {
  tensor *h = ops_cast(net->g, vector, net->g->dtype);
  h = layers_linear(net, layers_path("unet.label_emb.0.0"), h, NULL, ACT_SILU);
  return layers_linear(net, layers_path("unet.label_emb.0.2"), h, NULL, ACT_NONE);
}

void unet_project_context(const network *net, tensor *context, tensor *vector, unet_context *out) {
  *out = (unet_context){0};
  unet_each_block(net, unet_project,
                  &(unet_projection){ops_cast(net->g, context, net->g->dtype), out});
  if (vector) out->label = graph_keep(unet_embed_vector(net, vector));
}

/* x and skip (may be NULL) are joined along channels, without a copy. */
static tensor *unet_resnet(unet *u, layer_path path, tensor *x, tensor *skip) {
  const network *net = u->net;
  tensor *time = layers_linear(net, layers_join(path, "emb_layers.1"), u->time, NULL, ACT_NONE);
  tensor *h =
      layers_group_norm(net, layers_join(path, "in_layers.0"), x, skip, UNET_RESNET_EPS, ACT_SILU);
  h = layers_conv(net, layers_join(path, "in_layers.2"),
                  (conv_inputs){.x = h, .channel_add = time});
  h = layers_group_norm(net, layers_join(path, "out_layers.0"), h, NULL, UNET_RESNET_EPS, ACT_SILU);
  tensor *residual = x;
  if (skip || layers_has(net, path, "skip_connection.weight"))
    residual =
        layers_conv(net, layers_join(path, "skip_connection"), (conv_inputs){.x = x, .y = skip});
  return layers_conv(net, layers_join(path, "out_layers.3"),
                     (conv_inputs){.x = h, .residual = residual});
}

static int32_t unet_heads(const unet *u, int32_t channels) {
  int32_t heads = u->config->heads;
  if (!heads && u->config->head_size) heads = channels / u->config->head_size;
  return heads ? heads : 1;
}

static tensor *unet_self_attention(unet *u, layer_path path, tensor *x, tensor *residual) {
  const network *net = u->net;
  tensor *q = layers_linear(net, layers_join(path, "to_q"), x, NULL, ACT_NONE);
  tensor *k = layers_linear(net, layers_join(path, "to_k"), x, NULL, ACT_NONE);
  tensor *v = layers_linear(net, layers_join(path, "to_v"), x, NULL, ACT_NONE);
  tensor *h = ops_attention(net->g, q, k, v, NULL, unet_heads(u, q->c), 0);
  return layers_linear(net, layers_join(path, "to_out.0"), h, residual, ACT_NONE);
}

static tensor *unet_cross_attention(unet *u, layer_path path, tensor *x, tensor *residual) {
  const network *net = u->net;
  if (u->next_attention == u->context->count) {
    graph_fail(net->g, SD_BAD_MODEL, "%s has no keys and values", path.text);
    return x;
  }
  int32_t i = u->next_attention++;
  tensor *q = layers_linear(net, layers_join(path, "to_q"), x, NULL, ACT_NONE);
  tensor *k = graph_external(net->g, u->context->keys[i]);
  tensor *v = graph_external(net->g, u->context->values[i]);
  tensor *h = ops_attention(net->g, q, k, v, u->key_counts, unet_heads(u, q->c), 0);
  return layers_linear(net, layers_join(path, "to_out.0"), h, residual, ACT_NONE);
}

static tensor *unet_transformer(unet *u, layer_path path, tensor *x) {
  const network *net = u->net;
  tensor *h =
      layers_group_norm(net, layers_join(path, "norm"), x, NULL, UNET_TRANSFORMER_EPS, ACT_NONE);
  h = layers_linear(net, layers_join(path, "proj_in"), h, NULL, ACT_NONE);
  layer_path blocks = layers_join(path, "transformer_blocks");
  for (int32_t d = 0; d < UNET_DEPTH_LIMIT; d++) {
    layer_path block = layers_item(blocks, d);
    if (!layers_has(net, block, "norm1.weight")) break;
    tensor *n = layers_layer_norm(net, layers_join(block, "norm1"), h);
    h = unet_self_attention(u, layers_join(block, "attn1"), n, h);
    n = layers_layer_norm(net, layers_join(block, "norm2"), h);
    h = unet_cross_attention(u, layers_join(block, "attn2"), n, h);
    n = layers_layer_norm(net, layers_join(block, "norm3"), h);
    n = layers_linear(net, layers_join(block, "ff.net.0.proj"), n, NULL, ACT_GEGLU);
    h = layers_linear(net, layers_join(block, "ff.net.2"), n, h, ACT_NONE);
  }
  return layers_linear(net, layers_join(path, "proj_out"), h, x, ACT_NONE);
}

/* One numbered block: its layers are told apart by their weights. `below` (may be NULL) has the
 * size to which an upsampling layer enlarges. */
static tensor *unet_block(unet *u, layer_path path, tensor *x, tensor *skip, const tensor *below) {
  const network *net = u->net;
  for (int32_t j = 0;; j++) {
    layer_path layer = layers_item(path, j);
    if (layers_has(net, layer, "in_layers.2.weight")) {
      x = unet_resnet(u, layer, x, j ? NULL : skip);
    } else if (layers_has(net, layer, "proj_in.weight")) {
      x = unet_transformer(u, layer, x);
    } else if (layers_has(net, layer, "op.weight")) {
      x = layers_conv(net, layers_join(layer, "op"), (conv_inputs){.x = x, .stride = 2});
    } else if (layers_has(net, layer, "conv.weight") && below) {
      x = layers_conv(
          net, layers_join(layer, "conv"),
          (conv_inputs){.x = x, .upsample = 1, .pad = 1, .out_h = below->h, .out_w = below->w});
    } else if (layers_has(net, layer, "weight")) {
      x = layers_conv_plain(net, layer, x, ACT_NONE);
    } else {
      return x;
    }
  }
}

/* Every use begins with SiLU, so it is done here, once. label may be NULL. */
static tensor *unet_embed_time(const network *net, tensor *timestep, const tensor *label) {
  tensor *t = ops_timestep_embedding(net->g, timestep, unet_channels(net->weights));
  t = layers_linear(net, layers_path("unet.time_embed.0"), t, NULL, ACT_SILU);
  layer_path last = layers_path("unet.time_embed.2");
  if (!label) return layers_linear(net, last, t, NULL, ACT_SILU);
  t = layers_linear(net, last, t, NULL, ACT_NONE);
  t = ops_add(net->g, graph_external(net->g, label), t);
  return ops_activation(net->g, t, ACT_SILU);
}

tensor *unet_predict(const network *net, const unet_config *config, tensor *latents,
                     tensor *timestep, tensor *key_counts, const unet_context *context) {
  unet u = {.net = net, .config = config, .context = context, .key_counts = key_counts};
  tensor *skips[UNET_BLOCK_LIMIT];
  int32_t count = unet_input_blocks(net);
  u.time = unet_embed_time(net, timestep, context->label);
  tensor *x = ops_cast(net->g, latents, net->g->dtype);
  for (int32_t i = 0; i < count; i++)
    skips[i] = x = unet_block(&u, unet_input_block(i), x, NULL, NULL);
  x = unet_block(&u, layers_path("unet.middle_block"), x, NULL, NULL);
  for (int32_t i = 0; i < count; i++) {
    int32_t skip = count - 1 - i;
    x = unet_block(&u, unet_output_block(i), x, skips[skip], skip ? skips[skip - 1] : NULL);
  }
  x = layers_group_norm(net, layers_path("unet.out.0"), x, NULL, UNET_RESNET_EPS, ACT_SILU);
  x = layers_conv_plain(net, layers_path("unet.out.2"), x, ACT_NONE);
  return ops_cast(net->g, x, SD_F32);
}
