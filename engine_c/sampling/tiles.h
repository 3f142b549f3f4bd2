/* tiles: how a plane is cut into overlapping tiles of one size, and put together without seams.
 * Owns the geometry and the blending; knows no network. An axis is counted in latents. */
#ifndef SAMPLING_TILES_H
#define SAMPLING_TILES_H

#include <stdint.h>

enum { TILES_SMALLEST = 16 }; /* latents a side */

/* One direction: `count` tiles of `size`, spread evenly over `extent`. */
typedef struct tile_axis {
  int32_t extent, size, count;
} tile_axis;

typedef struct tiling {
  tile_axis rows, columns;
} tiling;

/* The part of the whole that a tile covers, in latents. */
typedef struct tile_place {
  int32_t y, x, h, w;
} tile_place;

/* As few tiles of at most `size` (0: one tile is all) as overlap by a quarter, and no larger than
 * that takes. */
tile_axis tiles_axis(int32_t extent, int32_t size);

static inline int32_t tiles_count(const tiling *t) { return t->rows.count * t->columns.count; }

/* Tile `index`, counted row by row. */
tile_place tiles_place(const tiling *t, int32_t index);

/* Adds a tile's result [h * factor][w * factor][channels] to the whole, which begins as zeros. A
 * tile's share falls to nothing towards its inner edges, and all shares of a point add up to 1. */
void tiles_add(float *whole, const float *tile, const tiling *t, int32_t index, int32_t factor,
               int32_t channels);

#endif
