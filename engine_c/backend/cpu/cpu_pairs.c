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

/* The part's channels of `count` pixels that stand side by side, as bf16. */
static void pairs_copy(const product *p, const product_part *part, const char *pixel, int32_t count,
                       uint16_t *out) {
  const product_source *source = part->source;
  const size_t bytes = (size_t)part->channels * sizeof *out;
  const size_t apart = (size_t)source->channels * half_dtype_bytes(source->dtype);
  if (source->dtype == SD_BF16 && bytes == apart) {
    memcpy(out, pixel, (size_t)count * bytes);
    return;
  }
  for (; count; count--, pixel += apart, out += part->channels)
    if (source->dtype == SD_BF16)
      memcpy(out, pixel, bytes);
    else
      p->cpu->isa->pack(out, (const float *)(const void *)pixel, SD_BF16, (size_t)part->channels);
}

/* out[count][channels]: what lies under `tap` for rows of a tile, zeros outside the picture; pixels
 * side by side at once. */
static void pairs_gather(const product *p, const product_part *part, int32_t tap,
                         const product_pixel *pixels, int32_t count, uint16_t *out) {
  for (int32_t i = 0, run; i < count; i += run, out += run * part->channels) {
    const char *at = product_tap_address(p, part, tap, pixels + i);
    const int32_t left_of_line = p->in_w - (pixels[i].x + tap % p->kernel);
    const int32_t most = at && !p->upsample ? product_min(count - i, left_of_line) : 1;
    for (run = 1; run < most && pixels[i + run].x == pixels[i].x + run;) run++;
    if (at)
      pairs_copy(p, part, at, run, out);
    else
      memset(out, 0, (size_t)part->channels * sizeof *out);
  }
}

/* Whether pixels under `tap` lie at even distances, if the first and the last are in the picture.
 */
static int pairs_are_even(const product *p, int32_t tap, const product_pixel *first,
                          const product_pixel *last) {
  if (p->upsample) return 0;
  if (p->kernel == 1 && p->stride == 1) return 1;
  if (first->picture != last->picture) return 0;
  const int is_straight = p->kernel == 3 && p->stride == 1 && p->pad == 1 && tap % 3 == 1;
  return first->y == last->y || is_straight;
}

/* Half a block's pixels under `tap`, from row `first` of the tile on; `buffer` takes what must be
 * gathered. Rows past the tile's are zero. */
static cpu_rows pairs_rows(const product_tile *t, const product_part *part, int32_t tap,
                           int32_t first, uint16_t *buffer) {
  const product_pixel *pixels = t->pixels + first, *last = pixels + CPU_PAIR_HALF - 1;
  const int32_t left = product_min(t->rows - first, CPU_PAIR_HALF), count = left > 0 ? left : 0;
  if (count == CPU_PAIR_HALF && part->source->dtype == SD_BF16 &&
      pairs_are_even(t->p, tap, pixels, last)) {
    const char *begin = product_tap_address(t->p, part, tap, pixels);
    const char *end = product_tap_address(t->p, part, tap, last);
    if (begin && end) return (cpu_rows){begin, (end - begin) / (CPU_PAIR_HALF - 1)};
  }
  const size_t row_bytes = (size_t)part->channels * sizeof *buffer;
  pairs_gather(t->p, part, tap, pixels, count, buffer);
  memset(buffer + count * part->channels, 0, (size_t)(CPU_PAIR_HALF - count) * row_bytes);
  return (cpu_rows){buffer, (int64_t)row_bytes};
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
