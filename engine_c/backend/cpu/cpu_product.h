/* cpu_product: what the two ways to multiply pixels by weights share: where pixels lie, what the
 * sums of a tile begin with and what is stored of them. Knows neither how sums are made nor the
 * instruction set. */
#ifndef CPU_PRODUCT_H
#define CPU_PRODUCT_H

#include "backend/cpu/cpu_backend.h"

enum {
  MOST_PANEL = 64, /* of any instruction set */
  MOST_TILE_COLUMNS = 320,
  PAIRS_DEPTH = 1152 /* most k of a part that is multiplied in pairs */
};

typedef struct product_source {
  const char *data;
  sd_dtype dtype;
  int32_t channels, first; /* first: place among the joined channels */
} product_source;

/* A linear or conv2d node, opened. */
typedef struct product {
  const cpu_backend *cpu;
  const node *node;
  const weight *weight;
  product_source sources[2];
  int32_t source_count;
  int32_t in_h, in_w, out_h, out_w, stride, pad, upsample;
  int32_t kernel;              /* taps a side */
  int32_t first_tap;           /* among the packed ones */
  int32_t odd_row, odd_column; /* of the phase */
  int32_t in_phases;
  int32_t rows, columns; /* columns: of weight panels, zero columns counted */
  int32_t geglu;
} product;

/* An output pixel and the source position of its first tap, in the (enlarged) input. */
typedef struct product_pixel {
  int32_t row, picture, y, x;
} product_pixel;

/* A part of the sum: some taps of some channels of one source. */
typedef struct product_part {
  const product_source *source;
  int32_t tap, taps, channel, channels;
  int32_t is_first;
} product_part;

typedef struct product_tile {
  const product *p;
  int32_t rows;            /* output pixels */
  int32_t column, columns; /* whole panels */
  float *sums;             /* [rows][stride] */
  int64_t stride;
  const float *first;          /* [columns]: what the sums of each row begin with; NULL: zeros */
  const product_pixel *pixels; /* [rows] */
} product_tile;

static inline int32_t product_min(int32_t x, int32_t y) { return x < y ? x : y; }
static inline int32_t product_ceil(int32_t x, int32_t y) { return (x + y - 1) / y; }

/* Splits `total` units into parts of at most `most`, all about as long. */
static inline int32_t product_even(int32_t total, int32_t most) {
  return product_ceil(total, product_ceil(total, most));
}

void product_open(product *p, cpu_backend *cpu, const node *n);

/* Makes of a product in phases one of them: a convolution of 2 x 2 taps whose output pixels are the
 * even or odd ones of each row and column. */
void product_choose_phase(product *p, int32_t phase);

/* Pixels of output rows [first, first + count). */
void product_pixels(const product *p, product_pixel *out, int32_t first, int32_t count);

/* Address of a source's channels from `channel` on at (y, x) of the (enlarged) input of a picture,
 * NULL outside. */
const char *product_address(const product *p, const product_source *source, int32_t channel,
                            const product_pixel *at);

/* The same of a part's channels under `tap`, for an output pixel. */
const char *product_tap_address(const product *p, const product_part *part, int32_t tap,
                                const product_pixel *pixel);

/* The weights of a tap from an input channel on, [channels][panel] f32, of one panel. */
void product_unpack_weights(const product *p, float *out, int64_t panel, int32_t tap,
                            int32_t channel, int32_t channels);

/* bias + channel_add, written to row[columns], if it is the same for all rows of the tile; else
 * NULL. */
const float *product_first(const product_tile *t, float *row);
/* Adds the residual to the sums, and bias and channel_add if they did not begin so, activates them
 * in place and stores them. */
void product_end(const product_tile *t);

/* What cpu_pairs.c has in a worker's workspace. */
typedef struct product_pairs_space {
  _Alignas(64) uint16_t rows[PAIRS_DEPTH * CPU_PAIR_ROWS];
} product_pairs_space;

/* Whether the weights are there in pairs of bf16 numbers. */
int product_is_pairs(const product *p);
/* Adds a part's products to the sums, or to what they begin with, from pairs; part->taps *
 * part->channels <= PAIRS_DEPTH. The sums have room for rows up to a multiple of CPU_PAIR_ROWS. */
void product_multiply_pairs(const product_tile *t, const product_part *part,
                            product_pairs_space *space);

/* conv2d of 3 x 3 taps by Winograd's convolution, where it pays; cpu_winograd.c. */
int product_suits_winograd(const product *p);
void product_run_winograd(const product *p);

#endif
