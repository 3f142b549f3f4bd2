/* layers: see layers.h. */
#include "networks/layers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LAYER_NORM_GROUPS = 32 };

layer_path layers_path(const char *format, ...) {
  layer_path path;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(path.text, sizeof path.text, format, arguments);
  va_end(arguments);
  return path;
}

layer_path layers_join(layer_path parent, const char *child) {
  size_t length = strlen(parent.text);
  snprintf(parent.text + length, sizeof parent.text - length, ".%s", child);
  return parent;
}

layer_path layers_item(layer_path parent, int32_t index) {
  size_t length = strlen(parent.text);
  snprintf(parent.text + length, sizeof parent.text - length, ".%d", index);
  return parent;
}

static weight *layers_find(const network *net, layer_path path, const char *suffix) {
  return weights_find(net->weights, layers_join(path, suffix).text);
}

int layers_has(const network *net, layer_path path, const char *suffix) {
  return layers_find(net, path, suffix) != NULL;
}

weight *layers_weight(const network *net, layer_path path, const char *suffix) {
  weight *found = layers_find(net, path, suffix);
  if (!found)
    graph_fail(net->g, SD_BAD_MODEL,
               "the tensor %s.%s is missing: the file is incomplete, fetch it again", path.text,
               suffix);
  return found;
}

tensor *layers_linear(const network *net, layer_path path, tensor *x, tensor *residual,
                      activation act) {
  graph_label(net->g, "%s", path.text);
  weight *w = layers_weight(net, path, "weight");
  if (!w) return &net->g->nothing;
  return ops_linear(net->g, x, w, layers_find(net, path, "bias"), residual, act);
}

tensor *layers_layer_norm(const network *net, layer_path path, tensor *x) {
  graph_label(net->g, "%s", path.text);
  weight *scale = layers_weight(net, path, "weight"), *shift = layers_weight(net, path, "bias");
  if (!scale || !shift) return &net->g->nothing;
  return ops_layer_norm(net->g, x, scale, shift, 1e-5f);
}

tensor *layers_group_norm(const network *net, layer_path path, tensor *x, tensor *y, float eps,
                          activation act) {
  graph_label(net->g, "%s", path.text);
  weight *scale = layers_weight(net, path, "weight"), *shift = layers_weight(net, path, "bias");
  if (!scale || !shift) return &net->g->nothing;
  return ops_group_norm(net->g, x, y, scale, shift, LAYER_NORM_GROUPS, eps, act);
}

tensor *layers_conv(const network *net, layer_path path, conv_inputs in) {
  graph_label(net->g, "%s", path.text);
  in.w = layers_weight(net, path, "weight");
  if (!in.w) return &net->g->nothing;
  in.bias = layers_find(net, path, "bias");
  if (!in.stride) in.stride = 1;
  if (!in.out_h) {
    in.out_h = (in.x->h + in.stride - 1) / in.stride;
    in.out_w = (in.x->w + in.stride - 1) / in.stride;
    in.pad = (int32_t)in.w->shape[2] / 2;
  }
  return ops_conv2d(net->g, &in);
}

tensor *layers_conv_plain(const network *net, layer_path path, tensor *x, activation act) {
  return layers_conv(net, path, (conv_inputs){.x = x, .act = act});
}
