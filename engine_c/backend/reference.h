/* reference: what each operator of ops.def computes, in double precision and by the plainest loops:
 * the specification against which the start-up check holds a backend. Knows no storage and no
 * backend. */
#ifndef BACKEND_REFERENCE_H
#define BACKEND_REFERENCE_H

#include "graph/graph.h"

/* The numbers of a node, by role, laid out as graph/tensor.h says, weights in the file's order;
 * NULL where the node has none. */
typedef struct reference_values {
  const double *in[IN_MAX];
  const double *weights[WEIGHT_MAX];
  double *out; /* tensor_count(n->out) numbers, to be filled */
} reference_values;

/* Fills v->out. Shapes and arguments are the node's. */
void reference_run(const node *n, const reference_values *v);

#endif
