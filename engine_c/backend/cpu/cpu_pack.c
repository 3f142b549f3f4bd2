/* cpu_pack: owns the order in which the CPU backend holds weights (see cpu_backend.h); knows
 * nothing of who reads them. */
#include <string.h>

#include "backend/cpu/cpu_backend.h"
#include "base/arena.h"
#include "base/half.h"
#include "graph/weights.h"

typedef struct pack_job {
  const weight *weight;
  char *out;
  int32_t panel;    /* columns of a panel */
  int64_t elements; /* of a panel */
} pack_job;

static int64_t pack_ceil(int64_t x, int64_t y) { return (x + y - 1) / y; }

/* Values and gates of a GEGLU fill panels of their own, in turn. */
static int64_t pack_panels(const weight *w, int32_t panel) {
  if (w->kind == WEIGHT_GEGLU) return 2 * pack_ceil(w->out / 2, panel);
  return pack_ceil(w->out, panel);
}

static int64_t pack_panel_elements(const weight *w, int32_t panel) {
  return (int64_t)w->kernel_h * w->kernel_w * w->in * panel;
}

int64_t cpu_pack_bytes(const cpu_backend *cpu, const weight *w) {
  if (w->kind == WEIGHT_VECTOR) return weights_elements(w) * (int64_t)sizeof(float);
  if (w->kind != WEIGHT_MATRIX && w->kind != WEIGHT_GEGLU) return 0;
  return pack_panels(w, cpu->isa->panel) * pack_panel_elements(w, cpu->isa->panel) *
         (int64_t)half_dtype_bytes(w->dtype);
}

/* One panel: out[tap][in][column] from rows[column][in][tap]. `size`, the bytes of a number, is a
 * constant in every copy. */
static inline __attribute__((always_inline)) void pack_panel(char *out, const char *rows,
                                                             const weight *w, int32_t panel,
                                                             int32_t columns, const size_t size) {
  const int64_t taps = (int64_t)w->kernel_h * w->kernel_w, in = w->in;
  for (int64_t i = 0; i < in; i++)
    for (int64_t tap = 0; tap < taps; tap++) {
      char *to = out + (size_t)((tap * in + i) * panel) * size;
      const char *from = rows + (size_t)(i * taps + tap) * size;
      for (int32_t column = 0; column < columns; column++)
        memcpy(to + (size_t)column * size, from + (size_t)(column * in * taps) * size, size);
    }
}

static void pack_item(void *user, int64_t item, int32_t worker) {
  (void)worker;
  const pack_job *job = user;
  const weight *w = job->weight;
  const int32_t half = w->kind == WEIGHT_GEGLU ? w->out / 2 : w->out;
  const int32_t index = (int32_t)(w->kind == WEIGHT_GEGLU ? item / 2 : item);
  const int32_t first = index * job->panel;
  const int32_t columns = half - first < job->panel ? half - first : job->panel;
  const int64_t row = first + (w->kind == WEIGHT_GEGLU && item % 2 ? half : 0);
  const size_t size = half_dtype_bytes(w->dtype);
  const size_t row_bytes = (size_t)(job->elements / job->panel) * size;
  const char *rows = (const char *)w->data + (size_t)row * row_bytes;
  char *out = job->out + (size_t)(item * job->elements) * size;
  if (w->is_mapped) arena_fetch_mapped(rows, (size_t)columns * row_bytes);
  if (columns < job->panel) memset(out, 0, (size_t)job->elements * size);
  if (size == 1) pack_panel(out, rows, w, job->panel, columns, 1);
  if (size == 2) pack_panel(out, rows, w, job->panel, columns, 2);
  if (size == 4) pack_panel(out, rows, w, job->panel, columns, 4);
}

void cpu_pack(cpu_backend *cpu, weight *w, void *out) {
  if (w->kind == WEIGHT_VECTOR) {
    cpu->isa->unpack(out, w->data, w->dtype, (size_t)weights_elements(w));
    return;
  }
  const int32_t panel = cpu->isa->panel;
  pack_job job = {
      .weight = w, .out = out, .panel = panel, .elements = pack_panel_elements(w, panel)};
  threads_run(cpu->pool, pack_panels(w, panel), pack_item, &job);
}
