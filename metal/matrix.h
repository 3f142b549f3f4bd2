// matrix: what the kernels of linear and conv2d share (matrix.metal, tensor.metal): which number is
// where, and what follows the sum. Knows nothing of how sums are made.
#ifndef MATRIX_H
#define MATRIX_H

#include <metal_stdlib>

#include "kernel_args.h"
#include "math.h"
#include "unroll.h"

using namespace metal;

constant constexpr uint MATRIX_OUTSIDE = 0xffffffff;  // instead of a pixel's index

// ---- where a number is ----

// The tile of a threadgroup, and its slice of K or its phase.
struct matrix_place {
  uint row, column;  // first row within the dispatch, first row of the weight
  uint slab, slab_end;
  uint phase;  // 2 y + x
};

static inline matrix_place matrix_find_place(constant matrix_args &args, uint3 group, ushort rows,
                                             ushort columns) {
  const uint2 tile = args.is_columns_first ? group.yx : group.xy;
  const uint slabs = uint(args.slabs), slices = uint(args.slices);
  const uint slice = args.is_phased ? 0 : group.z;
  matrix_place place;
  place.row = tile.x * rows;
  place.column = tile.y * columns;
  place.slab = slabs * slice / slices;
  place.slab_end = slabs * (slice + 1) / slices;
  place.phase = args.is_phased ? group.z : 0;
  return place;
}

// DEPTH channels of one tap of one source.
struct matrix_slab {
  uint tap, channel;
  bool is_y;
};

template <ushort DEPTH>
matrix_slab matrix_find_slab(constant matrix_args &args, uint index) {
  const uint taps = uint(args.side * args.side);
  const uint x_slabs = (uint(args.x_channels) + DEPTH - 1) / DEPTH;
  const uint y_slabs = (uint(args.y_channels) + DEPTH - 1) / DEPTH;
  matrix_slab slab;
  slab.is_y = index >= taps * x_slabs;
  const uint within = slab.is_y ? index - taps * x_slabs : index;
  const uint each = slab.is_y ? y_slabs : x_slabs;
  slab.tap = within / each;
  slab.channel = within % each * DEPTH;
  return slab;
}

// Goes on to the next slab; true if it is of another tap.
template <ushort DEPTH>
bool matrix_next_slab(constant matrix_args &args, thread matrix_slab &slab) {
  slab.channel += DEPTH;
  if (slab.channel < uint(slab.is_y ? args.y_channels : args.x_channels)) return false;
  slab.channel = 0;
  slab.tap++;
  if (slab.tap < uint(args.side * args.side)) return true;
  slab.tap = 0;
  slab.is_y = true;
  return true;
}

// Where a slab's numbers begin in a row of the weight.
static inline uint matrix_slab_weights(constant matrix_args &args, matrix_slab slab) {
  const uint in = uint(args.x_channels + args.y_channels);
  return slab.tap * in + slab.channel + (slab.is_y ? uint(args.x_channels) : 0);
}

// Numbers of the weights of one phase, or of all weights.
static inline ulong matrix_phase_weights(constant matrix_args &args) {
  const uint taps = uint(args.side * args.side);
  return ulong(args.weight_rows) * taps * uint(args.x_channels + args.y_channels);
}

// An output pixel: its picture's first pixel in the sources, and the place there of its first tap.
struct matrix_pixel {
  uint first;
  int y, x;
};

template <bool TAPS>
matrix_pixel matrix_find_pixel(constant matrix_args &args, uint row, uint phase) {
  matrix_pixel pixel;
  pixel.first = row;
  pixel.y = 0;
  pixel.x = 0;
  if (TAPS) {
    const uint line = row / uint(args.out_w), picture = line / uint(args.out_h);
    pixel.first = picture * uint(args.in_h * args.in_w);
    pixel.y = int(line - picture * uint(args.out_h)) * args.stride - args.pad + int(phase / 2);
    pixel.x = int(row - line * uint(args.out_w)) * args.stride - args.pad + int(phase % 2);
  }
  if (row >= uint(args.row_end)) pixel.first = MATRIX_OUTSIDE;
  return pixel;
}

// Index of the source pixel under a tap, or MATRIX_OUTSIDE.
template <bool TAPS>
uint matrix_under_tap(constant matrix_args &args, matrix_pixel pixel, uint tap) {
  if (!TAPS || pixel.first == MATRIX_OUTSIDE) return pixel.first;
  int y = pixel.y + int(tap) / args.side, x = pixel.x + int(tap) % args.side;
  const int h = args.upsample ? args.out_h : args.in_h, w = args.upsample ? args.out_w : args.in_w;
  if (y < 0 || x < 0 || y >= h || x >= w) return MATRIX_OUTSIDE;
  if (args.upsample) {
    y = y * args.in_h / args.out_h;
    x = x * args.in_w / args.out_w;
  }
  return pixel.first + uint(y * args.in_w + x);
}

// ---- what follows the sum ----

template <typename T>
struct matrix_target {
  device T *out;
  const device float *bias;
  const device T *residual, *channel_add;
  uint phase;
};

template <typename T>
matrix_target<T> matrix_target_of(device T *out, const device float *bias, const device T *residual,
                                  const device T *channel_add, uint phase) {
  matrix_target<T> target;
  target.out = out;
  target.bias = bias;
  target.residual = residual;
  target.channel_add = channel_add;
  target.phase = phase;
  return target;
}

// `count` numbers, at most 4: as one where their rows are multiples of 4.
template <typename T>
float4 matrix_read(const device T *from, bool is_whole, uint count) {
  if (is_whole) return float4(*(const device vec<T, 4> *)from);
  float4 read = float4(0.0f);
  UNROLL
  for (ushort i = 0; i < 4; i++)
    if (i < count) read[i] = float(from[i]);
  return read;
}

// The row of out, from where out begins, that a row of the dispatch is.
static inline uint matrix_out_row(constant matrix_args &args, uint row, uint phase) {
  if (!args.is_phased) return row;
  const uint width = uint(args.out_w), pixel = uint(args.row_first) + row, line = pixel / width;
  return (2 * line + phase / 2) * 2 * width + 2 * (pixel - line * width) + phase % 2;
}

// act(sum + bias + channel_add + residual) for 4 columns of a row of the dispatch. GEGLU: sum is of
// the values, gate of the gates.
template <typename T>
void matrix_finish(constant matrix_args &args, matrix_target<T> to, uint row, uint column,
                   float4 sum, float4 gate) {
  const uint columns = uint(args.columns), count = min(columns - column, 4u);
  const bool is_whole = columns % 4 == 0;
  const ulong at = ulong(matrix_out_row(args, row, to.phase)) * columns + column;
  if (args.has_bias) sum += matrix_read(to.bias + column, is_whole, count);
  if (args.channel_adds) {
    const uint picture = (uint(args.row_first) + row) / uint(args.out_h * args.out_w);
    const uint add = args.channel_adds == 1 ? 0 : picture;
    sum += matrix_read(to.channel_add + ulong(add) * columns + column, is_whole, count);
  }
  if (args.has_residual) sum += matrix_read(to.residual + at, is_whole, count);
  if (args.act == KERNEL_ACT_GEGLU) {
    if (args.has_bias) gate += matrix_read(to.bias + columns + column, is_whole, count);
    UNROLL
    for (ushort i = 0; i < 4; i++) sum[i] *= gelu(gate[i]);
  } else if (args.act != KERNEL_ACT_NONE) {
    UNROLL
    for (ushort i = 0; i < 4; i++) sum[i] = activate(sum[i], args.act);
  }
  if (is_whole) {
    *(device vec<T, 4> *)(to.out + at) = vec<T, 4>(sum);
    return;
  }
  UNROLL
  for (ushort i = 0; i < 4; i++)
    if (i < count) to.out[at + i] = T(sum[i]);
}

// Quads of 4 output columns in rows of `columns` sums, and where the first sum of each is. GEGLU:
// its gate is 8 further on.
static inline uint matrix_quads(constant matrix_args &args, uint columns) {
  return args.act == KERNEL_ACT_GEGLU ? columns / 8 : columns / 4;
}

static inline uint matrix_quad_sum(constant matrix_args &args, uint quad) {
  return args.act == KERNEL_ACT_GEGLU ? quad / 2 * 16 + quad % 2 * 4 : quad * 4;
}

// Finishes a stage of ROWS x COLUMNS sums, rows COLUMNS + 4 floats apart, with THREADS threads.
template <typename T, ushort ROWS, ushort COLUMNS, ushort THREADS>
void matrix_finish_stage(constant matrix_args &args, matrix_target<T> to,
                         const threadgroup float *stage, uint row, uint column,
                         ushort thread_index) {
  const bool is_geglu = args.act == KERNEL_ACT_GEGLU;
  const uint quads = matrix_quads(args, COLUMNS), first = is_geglu ? column / 2 : column;
  const uint rows = uint(args.row_end - args.row_first);
  for (uint unit = thread_index; unit < ROWS * quads; unit += THREADS) {
    const uint r = unit / quads, quad = unit % quads;
    const uint to_row = row + r, to_column = first + quad * 4;
    if (to_row >= rows || to_column >= uint(args.columns)) continue;
    const threadgroup float *from = stage + r * (COLUMNS + 4) + matrix_quad_sum(args, quad);
    const float4 sum = *(const threadgroup float4 *)from;
    const float4 gate = is_geglu ? *(const threadgroup float4 *)(from + 8) : float4(0.0f);
    matrix_finish(args, to, to_row, to_column, sum, gate);
  }
}

#endif
