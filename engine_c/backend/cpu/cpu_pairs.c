/* cpu_pairs: products of bf16 numbers with sums in f32. Weights are read as they were packed.
 * Pixels are read where they lie if those of half a block are bf16 and stand at even distances, as
 * tokens and most pixels of a picture's row do under every tap; else they are gathered in the
 * worker's workspace. Knows neither tiles of work nor the instruction set. */
#include <string.h>

#include "backend/cpu/cpu_product.h"
#include "graph/ops.h"

enum { MOST_SEGMENTS = PAIRS_DEPTH / OPS_BF16_BLOCK };

int product_is_pairs(const product *p) {
  return p->weight->packed_in_bf16 && p->weight->in_blocks && p->cpu->isa->multiply_pairs;
}

/* The part's channels of one pixel as bf16, zeros outside. */
static void pairs_copy(const product *p, const product_part *part, const char *pixel,
                       uint16_t *out) {
  const size_t bytes = (size_t)part->channels * sizeof *out;
  if (!pixel)
    memset(out, 0, bytes);
  else if (part->source->dtype == SD_BF16)
    memcpy(out, pixel, bytes);
  else
    p->cpu->isa->pack(out, (const float *)(const void *)pixel, SD_BF16, (size_t)part->channels);
}

/* Half a block's pixels under `tap`, from row `first` of the tile on; `buffer` takes what must be
 * gathered. Rows past the tile's are zero. */
static cpu_rows pairs_rows(const product_tile *t, const product_part *part, int32_t tap,
                           int32_t first, uint16_t *buffer) {
  const char *at[CPU_PAIR_HALF] = {NULL};
  const int32_t rows = product_min(CPU_PAIR_HALF, t->rows - first);
  int is_even = part->source->dtype == SD_BF16 && rows == CPU_PAIR_HALF;
  for (int32_t r = 0; r < rows; r++) {
    at[r] = product_tap_address(t->p, part, tap, t->pixels + first + r);
    is_even &= at[r] && (r < 2 || at[r] - at[r - 1] == at[1] - at[0]);
  }
  if (is_even) return (cpu_rows){at[0], at[1] - at[0]};
  for (int32_t r = 0; r < CPU_PAIR_HALF; r++)
    pairs_copy(t->p, part, at[r], buffer + r * part->channels);
  return (cpu_rows){buffer, part->channels * (int64_t)sizeof *buffer};
}

void product_multiply_pairs(const product_tile *t, const product_part *part,
                            product_pairs_space *space) {
  const product *p = t->p;
  const weight *w = p->weight;
  const int64_t panel = p->cpu->isa->panel, segment = w->in * panel;
  const int64_t taps = p->in_phases ? CPU_PHASES * CPU_PHASE_TAPS : p->kernel * p->kernel;
  const int64_t channel = part->source->first + part->channel;
  cpu_rows a[2 * MOST_SEGMENTS];
  cpu_pairs pairs = {.a = a,
                     .b = (const uint16_t *)w->packed +
                          (t->column / panel * taps + p->first_tap + part->tap) * segment +
                          channel * panel,
                     .b_segment = segment,
                     .b_panel = taps * segment,
                     .stride = t->stride,
                     .segments = part->taps,
                     .length = part->channels,
                     .panels = t->columns / (int32_t)panel,
                     .first = t->first,
                     .accumulate = !part->is_first};
  for (int32_t row = 0; row < t->rows; row += CPU_PAIR_ROWS) {
    for (int32_t i = 0; i < 2 * part->taps; i++)
      a[i] = pairs_rows(t, part, part->tap + i / 2, row + i % 2 * CPU_PAIR_HALF,
                        space->rows + i * CPU_PAIR_HALF * part->channels);
    pairs.tile = t->sums + row * t->stride;
    pairs.rows = product_min(CPU_PAIR_ROWS, t->rows - row);
    p->cpu->isa->multiply_pairs(&pairs);
  }
}
