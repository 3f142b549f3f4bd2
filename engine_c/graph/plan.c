/* plan: owns where tensors lie. First fit, larger tensors first: for each, the lowest offset at
 * which it overlaps no placed tensor that lives at the same time. A few hundred tensors a graph, so
 * the plain quadratic search takes under a millisecond or two. */
#include "graph/plan.h"

#include <stdlib.h>

static int64_t plan_size(const tensor *t) {
  return (tensor_bytes(t) + PLAN_ALIGNMENT - 1) / PLAN_ALIGNMENT * PLAN_ALIGNMENT;
}

static int plan_larger_first(const void *a, const void *b) {
  const tensor *x = *(tensor *const *)a, *y = *(tensor *const *)b;
  int64_t difference = tensor_bytes(y) - tensor_bytes(x);
  if (difference) return difference > 0 ? 1 : -1;
  return x->first_use < y->first_use ? -1 : x->first_use > y->first_use;
}

static int plan_by_offset(const void *a, const void *b) {
  const tensor *x = *(tensor *const *)a, *y = *(tensor *const *)b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int plan_lives_with(const tensor *a, const tensor *b) {
  return a->first_use <= b->last_use && b->first_use <= a->last_use;
}

/* neighbours: scratch for as many pointers as there are placed tensors. */
static int64_t plan_first_fit(tensor **placed, int32_t count, const tensor *t, int64_t base,
                              tensor **neighbours) {
  int32_t found = 0;
  for (int32_t i = 0; i < count; i++)
    if (plan_lives_with(placed[i], t)) neighbours[found++] = placed[i];
  qsort(neighbours, (size_t)found, sizeof *neighbours, plan_by_offset);
  int64_t offset = base;
  for (int32_t i = 0; i < found; i++) {
    if (offset + plan_size(t) <= neighbours[i]->offset) break;
    int64_t end = neighbours[i]->offset + plan_size(neighbours[i]);
    if (end > offset) offset = end;
  }
  return offset;
}

void plan_place(graph *g, int64_t base) {
  g->arena_bytes = base;
  if (g->error.status) return;
  size_t list_bytes = (size_t)g->tensor_count * sizeof(tensor *);
  tensor **order = arena_take(&g->memory, list_bytes);
  tensor **neighbours = arena_take(&g->memory, list_bytes);
  if (!order || !neighbours) {
    graph_fail(g, SD_OUT_OF_MEMORY, "no memory to plan the graph");
    return;
  }
  for (int32_t i = 0; i < g->tensor_count; i++) order[i] = g->tensors[i];
  qsort(order, (size_t)g->tensor_count, sizeof *order, plan_larger_first);
  for (int32_t i = 0; i < g->tensor_count; i++) {
    order[i]->offset = plan_first_fit(order, i, order[i], base, neighbours);
    int64_t end = order[i]->offset + plan_size(order[i]);
    if (end > g->arena_bytes) g->arena_bytes = end;
  }
}
