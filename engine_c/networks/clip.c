/* clip: see clip.h. */
#include "networks/clip.h"

static const weight *clip_table(const weight_table *weights, const char *encoder) {
  layer_path path = layers_path("%s.embeddings.token_embedding.weight", encoder);
  return weights_find(weights, path.text);
}

int32_t clip_layers(const weight_table *weights, const char *encoder) {
  network net = {.weights = weights};
  int32_t count = 0;
  while (
      layers_has(&net, layers_path("%s.encoder.layers.%d", encoder, count), "layer_norm1.weight"))
    count++;
  return count;
}

int32_t clip_width(const weight_table *weights, const char *encoder) {
  const weight *table = clip_table(weights, encoder);
  return table ? (int32_t)table->shape[1] : 0;
}

int32_t clip_vocabulary(const weight_table *weights, const char *encoder) {
  const weight *table = clip_table(weights, encoder);
  return table ? (int32_t)table->shape[0] : 0;
}

int32_t clip_pooled_width(const weight_table *weights, const char *encoder) {
  const weight *w = weights_find(weights, layers_path("%s.text_projection.weight", encoder).text);
  return w ? (int32_t)w->shape[0] : 0;
}

static tensor *clip_embed(const network *net, const char *encoder, tensor *ids, tensor *extra) {
  layer_path path = layers_path("%s.embeddings", encoder);
  graph_label(net->g, "%s", path.text);
  weight *tokens = layers_weight(net, path, "token_embedding.weight");
  weight *positions = layers_weight(net, path, "position_embedding.weight");
  if (!tokens || !positions) return &net->g->nothing;
  if (positions->shape[0] != CLIP_TOKENS) {
    graph_fail(net->g, SD_BAD_MODEL, "%s has %lld positions; 77 are known", positions->name,
               (long long)positions->shape[0]);
    return &net->g->nothing;
  }
  tensor *index = ops_arange(net->g, 0, 1, CLIP_TOKENS, SD_I32);
  return ops_add(net->g, ops_embedding(net->g, ids, tokens, extra),
                 ops_embedding(net->g, index, positions, NULL));
}

static tensor *clip_layer(const network *net, const clip_config *config, int32_t index, tensor *x) {
  layer_path path = layers_path("%s.encoder.layers.%d", config->encoder, index);
  tensor *h = layers_layer_norm(net, layers_join(path, "layer_norm1"), x);
  layer_path attention = layers_join(path, "self_attn");
  tensor *q = layers_linear(net, layers_join(attention, "q_proj"), h, NULL, ACT_NONE);
  tensor *k = layers_linear(net, layers_join(attention, "k_proj"), h, NULL, ACT_NONE);
  tensor *v = layers_linear(net, layers_join(attention, "v_proj"), h, NULL, ACT_NONE);
  h = ops_attention(net->g, q, k, v, NULL, config->heads, 1);
  x = layers_linear(net, layers_join(attention, "out_proj"), h, x, ACT_NONE);
  h = layers_layer_norm(net, layers_join(path, "layer_norm2"), x);
  h = layers_linear(net, layers_join(path, "mlp.fc1"), h, NULL, config->act);
  return layers_linear(net, layers_join(path, "mlp.fc2"), h, x, ACT_NONE);
}

tensor *clip_encode(const network *net, const clip_config *config, tensor *ids, tensor *extra,
                    tensor **projected) {
  tensor *x = clip_embed(net, config->encoder, ids, extra);
  layer_path norm = layers_path("%s.final_layer_norm", config->encoder);
  int32_t layers = clip_layers(net->weights, config->encoder);
  int32_t count = layers + 1 - config->clip_skip;
  for (int32_t i = 0; i < count; i++) x = clip_layer(net, config, i, x);
  tensor *out = config->is_normed ? layers_layer_norm(net, norm, x) : x;
  if (!projected) return out;
  for (int32_t i = count; i < layers; i++) x = clip_layer(net, config, i, x);
  x = layers_layer_norm(net, norm, x);
  layer_path projection = layers_path("%s.text_projection", config->encoder);
  *projected = layers_linear(net, projection, x, NULL, ACT_NONE);
  return out;
}
