/* plan: gives every tensor of a graph an offset in one arena, by lifetime: two tensors share bytes
 * only if one is dead before the other is written. */
#ifndef GRAPH_PLAN_H
#define GRAPH_PLAN_H

#include "graph/graph.h"

enum { PLAN_ALIGNMENT = 64 };

/* Places kept tensors (last_use INT32_MAX) and all others from byte `base` on, and sets
 * g->arena_bytes to the end of the last (at least `base`). */
void plan_place(graph *g, int64_t base);

#endif
