/* metal hazards: see metal_hazards.h. Owns the list of ranges. */
#include "backend/metal/metal_hazards.h"

typedef struct hazard_list {
  metal_range ranges[METAL_INPUT_MAX + 2];
  int32_t count;
} hazard_list;

static void hazards_take(hazard_list *list, metal_view view, int32_t is_written) {
  if (!view.buffer) return;
  list->ranges[list->count++] =
      (metal_range){view.buffer, view.offset, view.offset + view.bytes, is_written};
}

static hazard_list hazards_of(const metal_dispatch *d) {
  hazard_list list = {.count = 0};
  hazards_take(&list, d->out, 1);
  if (!d->out2_is_flag) hazards_take(&list, d->out2, 1);
  for (int32_t i = 0; i < d->in_count; i++) hazards_take(&list, d->in[i], 0);
  return list;
}

static int hazards_collide(const metal_hazards *h, const metal_range *r) {
  for (int32_t i = 0; i < h->count; i++) {
    const metal_range *seen = &h->ranges[i];
    if (seen->buffer == r->buffer && seen->begin < r->end && r->begin < seen->end &&
        (seen->is_written || r->is_written))
      return 1;
  }
  return 0;
}

int metal_hazards_add(metal_hazards *h, const metal_dispatch *d) {
  const hazard_list list = hazards_of(d);
  int needs_barrier = h->count + list.count > METAL_HAZARD_RANGES; /* no room to remember */
  for (int32_t i = 0; i < list.count && !needs_barrier; i++)
    needs_barrier = hazards_collide(h, &list.ranges[i]);
  if (needs_barrier) h->count = 0;
  for (int32_t i = 0; i < list.count; i++) h->ranges[h->count++] = list.ranges[i];
  return needs_barrier;
}

void metal_hazards_clear(metal_hazards *h) { h->count = 0; }
