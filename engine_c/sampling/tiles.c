/* tiles: see tiles.h. */
#include "sampling/tiles.h"

#include <math.h>
#include <stddef.h>

/* n tiles that overlap by a quarter cover (3 n + 1) / 4 of their size. */
tile_axis tiles_axis(int32_t extent, int32_t size) {
  if (!size || size >= extent) return (tile_axis){extent, extent, 1};
  int32_t stride = size - (size + 3) / 4;
  int32_t count = 1 + (extent - size + stride - 1) / stride;
  return (tile_axis){extent, (4 * extent + 3 * count) / (3 * count + 1), count};
}

static int32_t tiles_begin(const tile_axis *axis, int32_t index) {
  if (axis->count == 1) return 0;
  return (int32_t)((int64_t)(axis->extent - axis->size) * index / (axis->count - 1));
}

tile_place tiles_place(const tiling *t, int32_t index) {
  return (tile_place){tiles_begin(&t->rows, index / t->columns.count),
                      tiles_begin(&t->columns, index % t->columns.count), t->rows.size,
                      t->columns.size};
}

/* How far a point lies inside the tile, from its nearer inner edge; 0 outside. The edges of the
 * whole do not count. Points and latents: `factor` points to a latent, each point has a middle. */
static float tiles_depth(const tile_axis *axis, int32_t index, int32_t factor, int32_t point) {
  int32_t begin = tiles_begin(axis, index) * factor, end = begin + axis->size * factor;
  if (point < begin || point >= end) return 0;
  float before = index ? (float)(point - begin) + 0.5f : INFINITY;
  float after = index < axis->count - 1 ? (float)(end - point) - 0.5f : INFINITY;
  float depth = before < after ? before : after;
  return isinf(depth) ? 1 : depth;
}

static float tiles_share(const tile_axis *axis, int32_t index, int32_t factor, int32_t point) {
  float all = 0;
  for (int32_t i = 0; i < axis->count; i++) all += tiles_depth(axis, i, factor, point);
  return tiles_depth(axis, index, factor, point) / all;
}

void tiles_add(float *whole, const float *tile, const tiling *t, int32_t index, int32_t factor,
               int32_t channels) {
  tile_place at = tiles_place(t, index);
  int32_t row = index / t->columns.count, column = index % t->columns.count;
  size_t stride = (size_t)t->columns.extent * (size_t)factor * (size_t)channels;
  for (int32_t y = at.y * factor; y < (at.y + at.h) * factor; y++) {
    float row_share = tiles_share(&t->rows, row, factor, y);
    for (int32_t x = at.x * factor; x < (at.x + at.w) * factor; x++) {
      float share = row_share * tiles_share(&t->columns, column, factor, x);
      float *out = whole + (size_t)y * stride + (size_t)x * (size_t)channels;
      for (int32_t c = 0; c < channels; c++) out[c] += share * *tile++;
    }
  }
}
