/* cpu_isa: the seam between the CPU operators and the instruction set, chosen when the engine opens
 * and never reached on a processor without it. One row a set; the bodies come from one source
 * (cpu_isa_body.h), compiled once a set with its vector width. */
#ifndef CPU_ISA_H
#define CPU_ISA_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"

/* One block of a product: tile[rows][columns] (+)= sum over segments and k of a * b.
 * a: [segments][rows] addresses of `length` f32 each. b: f32 panel [segments * length][panel].
 * tile: f32, row stride `stride`, `panel` columns wide. rows: 1 to isa->rows. */
typedef struct cpu_block {
  const float *const *a;
  const float *b;
  float *tile;
  int64_t stride;
  int32_t rows, segments, length;
  int32_t accumulate;
  const float *first; /* [panel]: if not accumulate, what each row begins with; NULL: zeros */
} cpu_block;

/* Most rows of a block of pairs, in two halves. */
enum { CPU_PAIR_ROWS = 32, CPU_PAIR_HALF = CPU_PAIR_ROWS / 2 };

/* Half a block's rows of bf16 numbers, `stride` bytes from one to the next. */
typedef struct cpu_rows {
  const void *at;
  int64_t stride;
} cpu_rows;

/* One block of a product of bf16 numbers with sums in f32, over several panels:
 * tile[rows][panels * panel] (+)= sum over segments and k of a * b.
 * a: [segments][2 halves], `length` numbers a row, a multiple of isa->pair_depth; rows up to a
 * multiple of CPU_PAIR_HALF can be read, and as many rows of the tile be written. b: [length / 2]
 * [panel][2 of k] of the first panel and segment. */
typedef struct cpu_pairs {
  const cpu_rows *a;
  const uint16_t *b;
  int64_t b_segment, b_panel; /* numbers from a segment, a panel of b to the next */
  float *tile;
  int64_t stride; /* of the tile's rows */
  int32_t rows, segments, length, panels;
  int32_t accumulate;
  const float *first; /* [panels * panel]: if not accumulate, what each row begins with; or NULL */
} cpu_pairs;

/* A product of f32 whose left side lies at even distances: tile[rows][panel] and b[length][panel]
 * have no gaps. */
typedef struct cpu_strip {
  const float *a, *b;
  int64_t stride; /* from a line of a to the next */
  float *tile;
  int32_t rows, length;
  const float *first; /* [panel]: what each row begins with, in multiply_rows */
} cpu_strip;

/* Scores of a panel of queries, turned into weights where they lie:
 * 2^(scale scores[keys][panel] - reference[panel]); totals[panel] = their sum, as stored. */
typedef struct cpu_weights {
  float *scores, *totals;
  const float *reference;
  float scale;
  int32_t keys;
} cpu_weights;

/* For each channel c of rows of stored numbers (f32, f16 or bf16):
 * sum[c] += in[row][c] - shift[c], squares[c] += the square of that, over all rows. Some rows at a
 * time are added in f32, so that shift should be near to the numbers. */
typedef struct cpu_moments {
  double *sum, *squares;
  const float *shift;
  const void *in;
  sd_dtype dtype;
  int32_t rows, channels;
} cpu_moments;

/* out[row][c] = act((in[row][c] - center[c]) * scale[c] + shift[c]) of rows of stored numbers;
 * in: [rows][channels]; out: `stride` numbers from a row to the next. layer_norm_rows finds its own
 * center and has no act. */
typedef struct cpu_norm_rows {
  void *out;
  const void *in;
  sd_dtype out_dtype, dtype;
  const float *center, *scale, *shift;
  int64_t stride;
  int32_t rows, channels;
  int32_t is_silu;
  float eps; /* of layer_norm_rows */
} cpu_norm_rows;

/* Rows of a product's sums, on their way to storage: out = sums + base + residual.
 * sums: [rows][stride] f32; base: [count] f32; out, residual: rows of f32, f16 or bf16.
 * In store_gated_sums count is at most a panel, each value's gate stands a panel after it, in sums
 * and base, and out = (sums + base) gelu(their gates). */
typedef struct cpu_sums {
  const float *sums, *base; /* base, residual: NULL for none; no residual of gated sums */
  const void *residual;
  void *out; /* may be the sums themselves */
  sd_dtype residual_dtype, out_dtype;
  int64_t stride, residual_stride, out_stride; /* numbers from a row to the next */
  int32_t rows, count;
} cpu_sums;

typedef struct cpu_isa {
  const char *name;
  int32_t panel; /* columns of a packed panel */
  int32_t rows;  /* most rows of a block */
  int32_t (*usable)(void);
  void (*block)(const cpu_block *block);
  void (*unpack)(float *out, const void *source, sd_dtype dtype, size_t count); /* to f32 */
  void (*pack)(void *out, const float *source, sd_dtype dtype, size_t count);   /* from f32 */
  void (*store_sums)(const cpu_sums *sums);
  void (*store_gated_sums)(const cpu_sums *sums);
  /* Attention. tile = first + sum over k of a[rows][stride] b */
  void (*multiply_rows)(const cpu_strip *strip);
  /* tile += sum over k of a[length][stride] b, rows being columns of a */
  void (*multiply_columns)(const cpu_strip *strip);
  /* peaks[panel] = the largest of each column of scores[keys][panel] */
  void (*find_peaks)(float *peaks, const float *scores, int32_t keys);
  void (*weigh)(const cpu_weights *weights); /* 2^x to 2 ulp */
  /* Row functions over `count` f32, all vectorised: */
  void (*silu_row)(float *out, const float *in, size_t count);
  void (*gelu_row)(float *out, const float *in, size_t count); /* exact erf form, 1e-6 */
  void (*quick_gelu_row)(float *out, const float *in, size_t count);
  void (*add_moments)(const cpu_moments *moments);
  void (*scale_rows)(const cpu_norm_rows *rows);
  /* Each row to mean 0 and variance 1 before scale and shift; 0 if a number was not finite. */
  int32_t (*layer_norm_rows)(const cpu_norm_rows *rows);
  void (*add_row)(float *out, const float *x, const float *y, size_t count); /* x + y */
  /* Winograd's transforms of patches of `side` x `side` pixels: see cpu_isa_winograd.h. */
  void (*winograd_input)(float *out, size_t stride, const float *const *in, size_t count,
                         int32_t side);
  void (*winograd_filter)(float *out, size_t stride, const float *taps, size_t apart, size_t count,
                          int32_t side);
  void (*winograd_output)(float *const *out, const float *m, size_t stride, size_t count,
                          int32_t side);
  /* Products of bf16 numbers; all NULL: they are computed in f32. A worker calls multiply_pairs
   * between begin_pairs and end_pairs alone. */
  int32_t pair_depth; /* what the length of a product is a multiple of, at most OPS_BF16_BLOCK */
  void (*begin_pairs)(void);
  void (*multiply_pairs)(const cpu_pairs *pairs);
  void (*end_pairs)(void);
  /* Likewise, but as bf16 numbers [keys / 2][panel][2 keys] from where scores begin; keys: even;
   * 2^x to 2^-12. */
  void (*weigh_pairs)(const cpu_weights *weights);
} cpu_isa;

/* Rows from worst to best; NULL past the end. */
const cpu_isa *cpu_isa_row(int32_t index);

#endif
