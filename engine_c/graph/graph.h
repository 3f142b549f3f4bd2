/* graph: records nodes in the order in which they run. Owns nodes, tensors and their labels; knows
 * shapes only, neither numbers nor a backend. A graph is recorded once for a size and run many
 * times. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "base/arena.h"
#include "graph/ops.h"

typedef struct node {
  op_kind op;
  op_args args;
  tensor *out;
  tensor *in[IN_MAX];
  weight *weights[WEIGHT_MAX];
  const char *label; /* the layer, as the file names it */
} node;

struct graph {
  arena memory;
  node *nodes;
  int32_t node_count, node_capacity;
  tensor **tensors; /* those that plan places */
  int32_t tensor_count, tensor_capacity;
  sd_dtype dtype;      /* storage of activations */
  const char *label;   /* given to the nodes that follow */
  sd_error error;      /* sticky: the first failure */
  tensor nothing;      /* what recorders return after a failure */
  int64_t arena_bytes; /* set by plan: end of the last tensor */
};

/* An empty graph with activations of `dtype`. Always usable: out of memory is a sticky error. */
void graph_open(graph *g, sd_dtype dtype);
void graph_close(graph *g);

/* A tensor that the host fills before a run. */
tensor *graph_input(graph *g, sd_dtype dtype, int32_t n, int32_t h, int32_t w, int32_t c);

/* A tensor kept by another graph (graph_keep), at its place. */
tensor *graph_external(graph *g, const tensor *kept);

/* The host, or another graph, reads it after the run. */
tensor *graph_keep(tensor *t);

/* Label of the nodes that follow, copied. */
void graph_label(graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

sd_status graph_fail(graph *g, sd_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For recorders: a new output tensor, and a node that takes its label from the graph. */
tensor *graph_tensor(graph *g, sd_dtype dtype, int32_t n, int32_t h, int32_t w, int32_t c);
tensor *graph_append(graph *g, node n);

/* Calls visit for each weight of each node, in the order of use; a shared weight comes again. */
void graph_each_weight(const graph *g, void (*visit)(void *user, weight *w), void *user);

#endif
