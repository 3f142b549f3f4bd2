/* layers: an operator and its weights by name, in one call. Owns how a layer's weights are found
 * and named in messages; knows no network. A missing weight makes the graph's error sticky. */
#ifndef NETWORKS_LAYERS_H
#define NETWORKS_LAYERS_H

#include "graph/graph.h"
#include "graph/weights.h"

/* What a network is recorded with. */
typedef struct network {
  graph *g;
  const weight_table *weights;
} network;

/* The name of a layer, by value: layers_path("unet.input_blocks.%d", i). */
typedef struct layer_path {
  char text[128];
} layer_path;

layer_path layers_path(const char *format, ...) __attribute__((format(printf, 1, 2)));
layer_path layers_join(layer_path parent, const char *child);
layer_path layers_item(layer_path parent, int32_t index); /* parent.index */

/* Whether `path`.`suffix` is among the weights. */
int layers_has(const network *net, layer_path path, const char *suffix);

/* `path`.`suffix`, or NULL and a sticky error. */
weight *layers_weight(const network *net, layer_path path, const char *suffix);

tensor *layers_linear(const network *net, layer_path path, tensor *x, tensor *residual,
                      activation act);
tensor *layers_layer_norm(const network *net, layer_path path, tensor *x);
tensor *layers_group_norm(const network *net, layer_path path, tensor *x, tensor *y, float eps,
                          activation act);

/* Fills in w, bias, out size (of the input, or half of it rounded up at stride 2) and pad (kernel
 * / 2) where they are 0; the rest of `in` is the caller's. */
tensor *layers_conv(const network *net, layer_path path, conv_inputs in);

/* A plain convolution that keeps the size. */
tensor *layers_conv_plain(const network *net, layer_path path, tensor *x, activation act);

#endif
