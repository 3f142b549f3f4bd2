// matrix: linear and conv2d, one product. A linear is a convolution with one tap.
//
//   out[pixel][column] = act(bias + channel_add + residual + sum over tap, channel of
//                            x|y[pixel moved by tap][channel] * weight[column][tap][channel])
//
// A tile of pixels x columns takes one slab of K after the other: 32 channels of one tap of one
// source, so that each load is a contiguous piece of a pixel; pixels outside the picture are zeros.
// Where the channels are no multiples of 8 (the first and last layers) a slab is any 32 of
// taps x channels, gathered one by one. What follows the sum is done on the way out.
#include <metal_simdgroup_matrix>
#include <metal_stdlib>

#include "kernel_args.h"
#include "math.h"
#include "mma.h"

using namespace metal;

constant constexpr uint MATRIX_OUTSIDE = 0xffffffff;  // instead of a pixel's index
constant constexpr ushort MATRIX_PIECE_BYTES = 16;    // most that a thread loads at once

// ---- where a number is ----

// The tile of a threadgroup, and its slice of K.
struct matrix_place {
  uint row, column;  // first row within the dispatch, first row of the weight
  uint slab, slab_end;
};

static inline matrix_place matrix_find_place(constant matrix_args &args, uint3 group, ushort rows,
                                             ushort columns) {
  const uint2 tile = args.is_columns_first ? group.yx : group.xy;
  const uint slabs = uint(args.slabs), slices = uint(args.slices);
  matrix_place place;
  place.row = tile.x * rows;
  place.column = tile.y * columns;
  place.slab = slabs * group.z / slices;
  place.slab_end = slabs * (group.z + 1) / slices;
  return place;
}

// 32 channels of one tap of one source.
struct matrix_slab {
  uint tap, channel;
  bool is_y;
};

static inline matrix_slab matrix_find_slab(constant matrix_args &args, uint index) {
  const uint taps = uint(args.side * args.side);
  const uint x_slabs = (uint(args.x_channels) + MMA_DEPTH - 1) / MMA_DEPTH;
  const uint y_slabs = (uint(args.y_channels) + MMA_DEPTH - 1) / MMA_DEPTH;
  matrix_slab slab;
  slab.is_y = index >= taps * x_slabs;
  const uint within = slab.is_y ? index - taps * x_slabs : index;
  const uint each = slab.is_y ? y_slabs : x_slabs;
  slab.tap = within / each;
  slab.channel = within % each * MMA_DEPTH;
  return slab;
}

// Goes on to the next slab; true if it is of another tap.
static inline bool matrix_next_slab(constant matrix_args &args, thread matrix_slab &slab) {
  slab.channel += MMA_DEPTH;
  if (slab.channel < uint(slab.is_y ? args.y_channels : args.x_channels)) return false;
  slab.channel = 0;
  slab.tap++;
  if (slab.tap < uint(args.side * args.side)) return true;
  slab.tap = 0;
  slab.is_y = true;
  return true;
}

// An output pixel: its picture's first pixel in the sources, and the place there of its first tap.
struct matrix_pixel {
  uint first;
  int y, x;
};

template <bool TAPS>
matrix_pixel matrix_find_pixel(constant matrix_args &args, uint row) {
  matrix_pixel pixel;
  pixel.first = row;
  pixel.y = 0;
  pixel.x = 0;
  if (TAPS) {
    const uint line = row / uint(args.out_w), picture = line / uint(args.out_h);
    pixel.first = picture * uint(args.in_h * args.in_w);
    pixel.y = int(line - picture * uint(args.out_h)) * args.stride - args.pad;
    pixel.x = int(row - line * uint(args.out_w)) * args.stride - args.pad;
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
};

// `count` numbers, at most 4: as one where their rows are multiples of 4.
template <typename T>
float4 matrix_read(const device T *from, bool is_whole, uint count) {
  if (is_whole) return float4(*(const device vec<T, 4> *)from);
  float4 read = float4(0.0f);
  for (uint i = 0; i < count; i++) read[i] = float(from[i]);
  return read;
}

// act(sum + bias + channel_add + residual) for 4 columns of a row of the dispatch. GEGLU: sum is of
// the values, gate of the gates.
template <typename T>
void matrix_finish(constant matrix_args &args, matrix_target<T> to, uint row, uint column,
                   float4 sum, float4 gate) {
  const uint columns = uint(args.columns), count = min(columns - column, 4u);
  const bool is_whole = columns % 4 == 0;
  const ulong at = ulong(row) * columns + column;
  if (args.has_bias) sum += matrix_read(to.bias + column, is_whole, count);
  if (args.channel_adds) {
    const uint picture = (uint(args.row_first) + row) / uint(args.out_h * args.out_w);
    const uint add = args.channel_adds == 1 ? 0 : picture;
    sum += matrix_read(to.channel_add + ulong(add) * columns + column, is_whole, count);
  }
  if (args.has_residual) sum += matrix_read(to.residual + at, is_whole, count);
  if (args.act == KERNEL_ACT_GEGLU) {
    if (args.has_bias) gate += matrix_read(to.bias + columns + column, is_whole, count);
    for (ushort i = 0; i < 4; i++) sum[i] *= gelu(gate[i]);
  } else if (args.act != KERNEL_ACT_NONE) {
    for (ushort i = 0; i < 4; i++) sum[i] = activate(sum[i], args.act);
  }
  if (is_whole)
    *(device vec<T, 4> *)(to.out + at) = vec<T, 4>(sum);
  else
    for (uint i = 0; i < count; i++) to.out[at + i] = T(sum[i]);
}

// Quads of 4 output columns in rows of `columns` sums, and where the first sum of each is. GEGLU:
// its gate is 8 further on.
static inline uint matrix_quads(constant matrix_args &args, uint columns) {
  return args.act == KERNEL_ACT_GEGLU ? columns / 8 : columns / 4;
}

static inline uint matrix_quad_sum(constant matrix_args &args, uint quad) {
  return args.act == KERNEL_ACT_GEGLU ? quad / 2 * 16 + quad % 2 * 4 : quad * 4;
}

// Finishes the sums of one simdgroup, 8 rows at a time through `stage`, of 8 (8 FN + 4) floats.
template <typename T, ushort FM, ushort FN>
void matrix_finish_sums(constant matrix_args &args, matrix_target<T> to,
                        const thread mma_sums<FM, FN> &sums, threadgroup float *stage, uint row,
                        uint column, ushort lane) {
  constexpr ushort STRIDE = 8 * FN + 4;
  const bool is_geglu = args.act == KERNEL_ACT_GEGLU;
  const uint quads = matrix_quads(args, 8 * FN), first = is_geglu ? column / 2 : column;
  const uint rows = uint(args.row_end - args.row_first);
  for (ushort i = 0; i < FM; i++) {
    simdgroup_barrier(mem_flags::mem_threadgroup);
    mma_store_rows(sums, i, stage, STRIDE);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (uint unit = lane; unit < 8 * quads; unit += 32) {
      const uint r = unit / quads, quad = unit % quads;
      const uint to_row = row + i * 8 + r, to_column = first + quad * 4;
      if (to_row >= rows || to_column >= uint(args.columns)) continue;
      const threadgroup float *from = stage + r * STRIDE + matrix_quad_sum(args, quad);
      const float4 sum = *(const threadgroup float4 *)from;
      const float4 gate = is_geglu ? *(const threadgroup float4 *)(from + 8) : float4(0.0f);
      matrix_finish(args, to, to_row, to_column, sum, gate);
    }
  }
}

// Stores the sums of one simdgroup as they are, into the slice's [tiles of rows][tiles of columns].
template <ushort FM, ushort FN>
void matrix_store_partial(const thread mma_sums<FM, FN> &sums, device float *to, uint stride) {
  for (ushort i = 0; i < FM; i++)
    for (ushort j = 0; j < FN; j++)
      simdgroup_store(sums.block[i][j], to + ulong(i * 8) * stride + j * 8, stride);
}

// ---- staged: slabs through threadgroup memory ----

static inline void matrix_put(threadgroup half *to, uint4 piece) {
  *(threadgroup uint4 *)to = piece;
}

static inline void matrix_put(threadgroup float *to, uint4 piece) {
  *(threadgroup float4 *)to = float4(as_type<half4>(piece.xy));
  *(threadgroup float4 *)(to + 4) = float4(as_type<half4>(piece.zw));
}

// A thread's share of the loads of a tile: for each, a piece of 16 bytes of the next slab.
template <ushort PIXELS, ushort ROWS>
struct matrix_share {
  matrix_pixel pixel[PIXELS];
  uint under_tap[PIXELS];
  uint4 pixel_piece[PIXELS];
  uint4 weight_piece[ROWS];
};

template <bool TAPS, ushort PIXELS, ushort ROWS>
void matrix_move_to_tap(constant matrix_args &args, thread matrix_share<PIXELS, ROWS> &share,
                        uint tap) {
  for (ushort i = 0; i < PIXELS; i++)
    share.under_tap[i] = matrix_under_tap<TAPS>(args, share.pixel[i], tap);
}

template <typename T, ushort PIXELS, ushort ROWS>
void matrix_fetch_pixels(constant matrix_args &args, const device T *source, matrix_slab slab,
                         ushort thread_index, thread matrix_share<PIXELS, ROWS> &share) {
  constexpr ushort PIECE = 16 / sizeof(T), PIECES = MMA_DEPTH / PIECE;
  const uint channels = uint(slab.is_y ? args.y_channels : args.x_channels);
  const uint channel = slab.channel + thread_index % PIECES * PIECE;
  for (ushort i = 0; i < PIXELS; i++) {
    const uint pixel = channel < channels ? share.under_tap[i] : MATRIX_OUTSIDE;
    share.pixel_piece[i] = uint4(0);
    if (pixel != MATRIX_OUTSIDE)
      share.pixel_piece[i] = *(const device uint4 *)(source + ulong(pixel) * channels + channel);
  }
}

template <ushort PIXELS, ushort ROWS>
void matrix_fetch_weights(constant matrix_args &args, const device half *w, matrix_slab slab,
                          uint first_row, ushort thread_index,
                          thread matrix_share<PIXELS, ROWS> &share) {
  constexpr ushort PIECE = 8, PIECES = MMA_DEPTH / PIECE;
  const uint channels = uint(slab.is_y ? args.y_channels : args.x_channels);
  const uint in = uint(args.x_channels + args.y_channels);
  const uint depth = uint(args.side * args.side) * in;
  const uint channel = slab.channel + thread_index % PIECES * PIECE;
  const uint at = slab.tap * in + channel + (slab.is_y ? uint(args.x_channels) : 0);
  for (ushort i = 0; i < ROWS; i++) {
    const uint row = first_row + thread_index / PIECES + i * (MMA_THREADS / PIECES);
    share.weight_piece[i] = uint4(0);
    if (row < uint(args.weight_rows) && channel < channels)
      share.weight_piece[i] = *(const device uint4 *)(w + ulong(row) * depth + at);
  }
}

template <typename T, ushort PIXELS, ushort ROWS>
void matrix_put_share(const thread matrix_share<PIXELS, ROWS> &share, threadgroup T *pixels,
                      threadgroup T *weights, ushort stride, ushort thread_index) {
  constexpr ushort PIECE = 16 / sizeof(T), PIECES = MMA_DEPTH / PIECE;
  threadgroup T *to = pixels + thread_index / PIECES * stride + thread_index % PIECES * PIECE;
  for (ushort i = 0; i < PIXELS; i++)
    *(threadgroup uint4 *)(to + i * (MMA_THREADS / PIECES) * stride) = share.pixel_piece[i];
  to = weights + thread_index / 4 * stride + thread_index % 4 * 8;
  for (ushort i = 0; i < ROWS; i++)
    matrix_put(to + i * (MMA_THREADS / 4) * stride, share.weight_piece[i]);
}

// Any channel counts: 32 of taps x channels, one number after the other.
template <typename T, bool TAPS, ushort BM, ushort BN>
void matrix_gather(constant matrix_args &args, const device T *x, const device T *y,
                   const device half *w, matrix_place place, threadgroup T *pixels,
                   threadgroup T *weights, ushort stride, ushort thread_index) {
  const uint x_channels = uint(args.x_channels), in = x_channels + uint(args.y_channels);
  const uint depth = uint(args.side * args.side) * in;
  const uint k = place.slab * MMA_DEPTH + thread_index % MMA_DEPTH;
  const uint tap = k / in, channel = k % in;
  const ushort first = thread_index / MMA_DEPTH, step = MMA_THREADS / MMA_DEPTH;
  const ushort to = thread_index % MMA_DEPTH;
  for (ushort i = first; i < BM; i += step) {
    const matrix_pixel at = matrix_find_pixel<TAPS>(args, uint(args.row_first) + place.row + i);
    const uint pixel = k < depth ? matrix_under_tap<TAPS>(args, at, tap) : MATRIX_OUTSIDE;
    T number = T(0);
    if (pixel != MATRIX_OUTSIDE)
      number = channel < x_channels ? x[ulong(pixel) * x_channels + channel]
                                    : y[ulong(pixel) * (in - x_channels) + channel - x_channels];
    pixels[i * stride + to] = number;
  }
  for (ushort i = first; i < BN; i += step) {
    const uint row = place.column + i;
    const bool is_there = row < uint(args.weight_rows) && k < depth;
    weights[i * stride + to] = is_there ? T(w[ulong(row) * depth + k]) : T(0);
  }
}

// One threadgroup: a BM x BN tile of out, or of one slice of its sums. While a slab is multiplied,
// the next is on its way in registers. TAPS: a source pixel is sought for each tap; else out's
// rows are the sources' rows.
template <typename T, ushort BM, ushort BN, bool TAPS>
kernel void matrix(constant matrix_args &args [[buffer(0)]], device T *out [[buffer(1)]],
                   const device T *x [[buffer(2)]], const device T *y [[buffer(3)]],
                   const device half *w [[buffer(4)]], const device float *bias [[buffer(5)]],
                   const device T *residual [[buffer(6)]],
                   const device T *channel_add [[buffer(7)]],
                   uint3 group [[threadgroup_position_in_grid]],
                   uint3 groups [[threadgroups_per_grid]],
                   ushort thread_index [[thread_index_in_threadgroup]],
                   ushort simd_group [[simdgroup_index_in_threadgroup]],
                   ushort lane [[thread_index_in_simdgroup]]) {
  constexpr ushort PIECE = 16 / sizeof(T), PIECES = MMA_DEPTH / PIECE;
  constexpr ushort STRIDE = MMA_DEPTH + PIECE;  // 8 rows do not meet in one bank
  constexpr ushort FM = BM / 16, FN = BN / 16;
  threadgroup uint4 memory[(BM + BN) * STRIDE / PIECE];
  threadgroup T *pixels = (threadgroup T *)memory;
  threadgroup T *weights = pixels + BM * STRIDE;
  const ushort row = simd_group / 2 * (BM / 2), column = simd_group % 2 * (BN / 2);

  matrix_place place = matrix_find_place(args, group, BM, BN);
  matrix_slab slab = matrix_find_slab(args, place.slab);
  matrix_share<BM * PIECES / MMA_THREADS, BN * 4 / MMA_THREADS> share;
  for (ushort i = 0; i < BM * PIECES / MMA_THREADS; i++) {
    const uint own = place.row + thread_index / PIECES + i * (MMA_THREADS / PIECES);
    share.pixel[i] = matrix_find_pixel<TAPS>(args, uint(args.row_first) + own);
  }
  mma_sums<FM, FN> sums;
  mma_clear(sums);
  if (args.is_wide) {
    matrix_move_to_tap<TAPS>(args, share, slab.tap);
    matrix_fetch_pixels(args, slab.is_y ? y : x, slab, thread_index, share);
    matrix_fetch_weights(args, w, slab, place.column, thread_index, share);
  }
  for (; place.slab < place.slab_end; place.slab++) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (args.is_wide)
      matrix_put_share(share, pixels, weights, STRIDE, thread_index);
    else
      matrix_gather<T, TAPS, BM, BN>(args, x, y, w, place, pixels, weights, STRIDE, thread_index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (args.is_wide && place.slab + 1 < place.slab_end) {
      if (matrix_next_slab(args, slab)) matrix_move_to_tap<TAPS>(args, share, slab.tap);
      matrix_fetch_pixels(args, slab.is_y ? y : x, slab, thread_index, share);
      matrix_fetch_weights(args, w, slab, place.column, thread_index, share);
    }
    mma_multiply_slab(sums, pixels + row * STRIDE, weights + column * STRIDE, STRIDE);
  }

  if (args.slices > 1) {
    const uint2 tiles = args.is_columns_first ? groups.yx : groups.xy;
    const uint stride = tiles.y * BN;
    device float *to = (device float *)out + ulong(group.z) * tiles.x * BM * stride;
    matrix_store_partial(sums, to + ulong(place.row + row) * stride + place.column + column,
                         stride);
    return;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  matrix_target<T> to;
  to.out = out;
  to.bias = bias;
  to.residual = residual;
  to.channel_add = channel_add;
  threadgroup float *stage = (threadgroup float *)memory + simd_group * 8 * (8 * FN + 4);
  matrix_finish_sums(args, to, sums, stage, place.row + row, place.column + column, lane);
}

// ---- direct: blocks straight from device memory ----

// One threadgroup: a 64 x 64 tile of out, 32 x 32 a simdgroup, without threadgroup memory until the
// end. Rows of out are rows of the sources; they and the weight's are multiples of 8, as are the
// channels. A block past the end is read at the last one's place, and not stored.
kernel void matrix_direct_f16(constant matrix_args &args [[buffer(0)]],
                              device half *out [[buffer(1)]], const device half *x [[buffer(2)]],
                              const device half *y [[buffer(3)]],
                              const device half *w [[buffer(4)]],
                              const device float *bias [[buffer(5)]],
                              const device half *residual [[buffer(6)]],
                              const device half *channel_add [[buffer(7)]],
                              uint3 group [[threadgroup_position_in_grid]],
                              ushort simd_group [[simdgroup_index_in_threadgroup]],
                              ushort lane [[thread_index_in_simdgroup]]) {
  threadgroup float stages[4 * 8 * 36];
  const matrix_place place = matrix_find_place(args, group, 64, 64);
  const uint row = place.row + simd_group / 2 * 32, column = place.column + simd_group % 2 * 32;
  const uint x_channels = uint(args.x_channels), y_channels = uint(args.y_channels);
  uint rows[4], columns[4];
  for (ushort i = 0; i < 4; i++) {
    rows[i] = min(uint(args.row_first) + row + i * 8, uint(args.row_end) - 8);
    columns[i] = min(column + i * 8, uint(args.weight_rows) - 8);
  }
  mma_sums<4, 4> sums;
  mma_clear(sums);
  mma_multiply_direct(sums, x, rows, x_channels, w, columns, x_channels + y_channels, x_channels);
  if (y_channels)
    mma_multiply_direct(sums, y, rows, y_channels, w + x_channels, columns, x_channels + y_channels,
                        y_channels);
  matrix_target<half> to;
  to.out = out;
  to.bias = bias;
  to.residual = residual;
  to.channel_add = channel_add;
  matrix_finish_sums(args, to, sums, stages + simd_group * 8 * 36, row, column, lane);
}

// ---- slices of K ----

// out = what follows the sum of all slices; a thread takes 4 columns of a row.
template <typename T>
kernel void matrix_reduce(constant matrix_reduce_args &args [[buffer(0)]],
                          device T *out [[buffer(1)]], const device float *partials [[buffer(2)]],
                          const device float *bias [[buffer(3)]],
                          const device T *residual [[buffer(4)]],
                          const device T *channel_add [[buffer(5)]],
                          uint index [[thread_position_in_grid]]) {
  constant matrix_args &matrix = args.matrix;
  const uint stride = uint(args.partial_columns), quads = matrix_quads(matrix, stride);
  const uint row = index / quads, quad = index % quads;
  if (row >= uint(matrix.row_end) || quad * 4 >= uint(matrix.columns)) return;
  const bool is_geglu = matrix.act == KERNEL_ACT_GEGLU;
  const device float *from = partials + ulong(row) * stride + matrix_quad_sum(matrix, quad);
  float4 sum = float4(0.0f), gate = float4(0.0f);
  for (uint slice = 0; slice < uint(matrix.slices); slice++) {
    sum += *(const device float4 *)from;
    if (is_geglu) gate += *(const device float4 *)(from + 8);
    from += ulong(args.partial_rows) * stride;
  }
  matrix_target<T> to;
  to.out = out;
  to.bias = bias;
  to.residual = residual;
  to.channel_add = channel_add;
  matrix_finish(matrix, to, row, quad * 4, sum, gate);
}

// ---- the kernels by name ----

template [[host_name("matrix_f16_64x64_rows")]] [[kernel]]
decltype(matrix<half, 64, 64, false>) matrix<half, 64, 64, false>;
template [[host_name("matrix_f16_64x64_taps")]] [[kernel]]
decltype(matrix<half, 64, 64, true>) matrix<half, 64, 64, true>;
template [[host_name("matrix_f16_64x32_rows")]] [[kernel]]
decltype(matrix<half, 64, 32, false>) matrix<half, 64, 32, false>;
template [[host_name("matrix_f16_64x32_taps")]] [[kernel]]
decltype(matrix<half, 64, 32, true>) matrix<half, 64, 32, true>;
template [[host_name("matrix_f32_64x32_rows")]] [[kernel]]
decltype(matrix<float, 64, 32, false>) matrix<float, 64, 32, false>;
template [[host_name("matrix_f32_64x32_taps")]] [[kernel]]
decltype(matrix<float, 64, 32, true>) matrix<float, 64, 32, true>;
template [[host_name("matrix_reduce_f16")]] [[kernel]]
decltype(matrix_reduce<half>) matrix_reduce<half>;
template [[host_name("matrix_reduce_f32")]] [[kernel]]
decltype(matrix_reduce<float>) matrix_reduce<float>;
