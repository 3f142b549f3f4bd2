/* clip: see clip.h. */
#include "networks/clip.h"

static const char CLIP_TOKEN_TABLE[] = "text.embeddings.token_embedding.weight";

int32_t clip_layers(const weight_table *weights) {
  network net = {.weights = weights};
  int32_t count = 0;
  while (layers_has(&net, layers_path("text.encoder.layers.%d", count), "layer_norm1.weight"))
    count++;
  return count;
}

int32_t clip_width(const weight_table *weights) {
  const weight *table = weights_find(weights, CLIP_TOKEN_TABLE);
  return table ? (int32_t)table->shape[1] : 0;
}

int32_t clip_vocabulary(const weight_table *weights) {
  const weight *table = weights_find(weights, CLIP_TOKEN_TABLE);
  return table ? (int32_t)table->shape[0] : 0;
}

static tensor *clip_embed(const network *net, tensor *ids, tensor *extra) {
  layer_path path = layers_path("text.embeddings");
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

static tensor *clip_layer(const network *net, layer_path path, tensor *x, int32_t heads) {
  tensor *h = layers_layer_norm(net, layers_join(path, "layer_norm1"), x);
  layer_path attention = layers_join(path, "self_attn");
  tensor *q = layers_linear(net, layers_join(attention, "q_proj"), h, NULL, ACT_NONE);
  tensor *k = layers_linear(net, layers_join(attention, "k_proj"), h, NULL, ACT_NONE);
  tensor *v = layers_linear(net, layers_join(attention, "v_proj"), h, NULL, ACT_NONE);
  h = ops_attention(net->g, q, k, v, NULL, heads, 1);
  x = layers_linear(net, layers_join(attention, "out_proj"), h, x, ACT_NONE);
  h = layers_layer_norm(net, layers_join(path, "layer_norm2"), x);
  h = layers_linear(net, layers_join(path, "mlp.fc1"), h, NULL, ACT_QUICK_GELU);
  return layers_linear(net, layers_join(path, "mlp.fc2"), h, x, ACT_NONE);
}

tensor *clip_encode(const network *net, tensor *ids, tensor *extra, int32_t heads,
                    int32_t clip_skip) {
  tensor *x = clip_embed(net, ids, extra);
  int32_t count = clip_layers(net->weights) + 1 - clip_skip;
  for (int32_t i = 0; i < count; i++)
    x = clip_layer(net, layers_path("text.encoder.layers.%d", i), x, heads);
  return layers_layer_norm(net, layers_path("text.final_layer_norm"), x);
}
