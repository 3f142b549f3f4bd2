/* graph: owns the list of nodes and tensors. Sticky error: see graph.h. */
#include "graph/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"

void graph_open(graph *g, sd_dtype dtype) {
  *g = (graph){.dtype = dtype, .label = ""};
  g->nothing = (tensor){1, 1, 1, 1, dtype, 0, 0, 0};
}

void graph_close(graph *g) {
  arena_free(&g->memory);
  *g = (graph){0};
}

sd_status graph_fail(graph *g, sd_status status, const char *format, ...) {
  if (g->error.status) return g->error.status;
  g->error.status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(g->error.text, sizeof g->error.text, format, arguments);
  va_end(arguments);
  return status;
}

/* Room for one more item of `size` bytes in a list that doubles; the old copy stays in the arena.
 */
static void *graph_grow(graph *g, void *items, int32_t count, int32_t *capacity, size_t size) {
  if (count < *capacity) return items;
  int32_t wanted = *capacity ? *capacity * 2 : 256;
  void *grown = arena_take(&g->memory, (size_t)wanted * size);
  if (!grown) {
    graph_fail(g, SD_OUT_OF_MEMORY, "no memory to record the graph");
    return NULL;
  }
  if (count) memcpy(grown, items, (size_t)count * size);
  *capacity = wanted;
  return grown;
}

static tensor *graph_place(graph *g, tensor value) {
  if (g->error.status) return &g->nothing;
  void *list = graph_grow(g, g->tensors, g->tensor_count, &g->tensor_capacity, sizeof *g->tensors);
  if (!list) return &g->nothing;
  g->tensors = list;
  tensor *t = arena_take(&g->memory, sizeof *t);
  if (!t) {
    graph_fail(g, SD_OUT_OF_MEMORY, "no memory to record the graph");
    return &g->nothing;
  }
  *t = value;
  g->tensors[g->tensor_count++] = t;
  return t;
}

tensor *graph_tensor(graph *g, sd_dtype dtype, int32_t n, int32_t h, int32_t w, int32_t c) {
  if (n < 1 || h < 1 || w < 1 || c < 1) {
    graph_fail(g, SD_BAD_ARGUMENT, "%s: an empty tensor", g->label);
    return &g->nothing;
  }
  tensor value = {n, h, w, c, dtype, g->node_count, g->node_count, 0};
  return graph_place(g, value);
}

tensor *graph_input(graph *g, sd_dtype dtype, int32_t n, int32_t h, int32_t w, int32_t c) {
  tensor *t = graph_tensor(g, dtype, n, h, w, c);
  t->first_use = -1;
  return t;
}

tensor *graph_external(graph *g, const tensor *kept) {
  if (g->error.status) return &g->nothing;
  tensor *t = arena_take(&g->memory, sizeof *t); /* not in the list: plan leaves it where it is */
  if (!t) {
    graph_fail(g, SD_OUT_OF_MEMORY, "no memory to record the graph");
    return &g->nothing;
  }
  *t = *kept;
  return t;
}

tensor *graph_keep(tensor *t) {
  t->last_use = INT32_MAX;
  return t;
}

void graph_label(graph *g, const char *format, ...) {
  char text[192];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  char *copy = arena_take(&g->memory, strlen(text) + 1);
  if (copy) g->label = strcpy(copy, text);
}

tensor *graph_append(graph *g, node n) {
  if (g->error.status) return &g->nothing;
  void *list = graph_grow(g, g->nodes, g->node_count, &g->node_capacity, sizeof *g->nodes);
  if (!list) return &g->nothing;
  g->nodes = list;
  n.label = g->label;
  for (int i = 0; i < IN_MAX; i++)
    if (n.in[i] && n.in[i]->last_use < g->node_count) n.in[i]->last_use = g->node_count;
  g->nodes[g->node_count++] = n;
  return n.out;
}

void graph_each_weight(const graph *g, void (*visit)(void *user, weight *w), void *user) {
  for (int32_t i = 0; i < g->node_count; i++) {
    for (int k = 0; k < WEIGHT_MAX; k++) {
      weight *w = g->nodes[i].weights[k];
      if (w) visit(user, w);
    }
  }
}
