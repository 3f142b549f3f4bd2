// matrix: linear and conv2d, one product. A linear is a convolution with one tap.
//
//   out[pixel][column] = act(bias + channel_add + residual + sum over tap, channel of
//                            x|y[pixel moved by tap][channel] * weight[column][tap][channel])
//
// A tile of pixels x columns takes one slab of K after the other: 32 channels of one tap of one
// source, so that each load is a contiguous piece of a pixel; pixels outside the picture are zeros.
// Where the channels are no multiples of 8 (the first and last layers) a slab is any 32 of
// taps x channels, gathered one by one. What follows the sum is done on the way out.
//
// A 3 x 3 convolution of a picture that is enlarged by two sees each pixel twice or four times: its
// outputs of one phase (even or odd row, even or odd column) are a 2 x 2 convolution of the picture
// as it is, with sums of the weights (matrix_presum), so 4 products instead of 9. Then a row is a
// pixel of the picture, and the grid's z is the phase.
#include <metal_simdgroup_matrix>
#include <metal_stdlib>

#include "kernel_args.h"
#include "matrix.h"
#include "mma.h"
#include "storage.h"
#include "unroll.h"

using namespace metal;

// ---- the end of a tile ----

// Finishes the sums of one simdgroup, 8 rows at a time through `stage`, of 8 (8 FN + 4) floats.
template <typename T, ushort FM, ushort FN>
void matrix_finish_sums(constant matrix_args &args, matrix_target<T> to,
                        thread mma_sums<FM, FN> &sums, threadgroup float *stage, uint row,
                        uint column, ushort lane) {
  constexpr ushort STRIDE = 8 * FN + 4;
  for (ushort i = 0; i < FM; i++) {
    simdgroup_barrier(mem_flags::mem_threadgroup);
    mma_take_rows(sums, stage, STRIDE);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    matrix_finish_stage<T, 8, 8 * FN, 32>(args, to, stage, row + i * 8, column, lane);
  }
}

// Stores the sums of one simdgroup as they are: out is [slices][tiles of rows][tiles of columns].
template <ushort BM, ushort BN, ushort FM, ushort FN>
void matrix_store_slice(constant matrix_args &args, device float *out,
                        const thread mma_sums<FM, FN> &sums, uint3 group, uint3 groups, uint row,
                        uint column) {
  const uint2 tiles = args.is_columns_first ? groups.yx : groups.xy;
  const uint stride = tiles.y * BN;
  device float *to = out + (ulong(group.z) * tiles.x * BM + row) * stride + column;
  UNROLL
  for (ushort i = 0; i < FM; i++) {
    UNROLL
    for (ushort j = 0; j < FN; j++)
      simdgroup_store(sums.block[i][j], to + ulong(i * 8) * stride + j * 8, stride);
  }
}

// ---- staged: slabs through threadgroup memory ----

static inline void matrix_put(threadgroup short_float *to, uint4 piece) {
  *(threadgroup uint4 *)to = piece;
}

static inline void matrix_put(threadgroup float *to, uint4 piece) {
  *(threadgroup float4 *)to = float4(as_type<short_float4>(piece.xy));
  *(threadgroup float4 *)(to + 4) = float4(as_type<short_float4>(piece.zw));
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
  UNROLL
  for (ushort i = 0; i < PIXELS; i++)
    share.under_tap[i] = matrix_under_tap<TAPS>(args, share.pixel[i], tap);
}

template <typename T, ushort PIXELS, ushort ROWS>
void matrix_fetch_pixels(constant matrix_args &args, const device T *source, matrix_slab slab,
                         ushort thread_index, thread matrix_share<PIXELS, ROWS> &share) {
  constexpr ushort PIECE = 16 / sizeof(T), PIECES = MMA_DEPTH / PIECE;
  const uint channels = uint(slab.is_y ? args.y_channels : args.x_channels);
  const uint channel = slab.channel + thread_index % PIECES * PIECE;
  UNROLL
  for (ushort i = 0; i < PIXELS; i++) {
    const uint pixel = channel < channels ? share.under_tap[i] : MATRIX_OUTSIDE;
    share.pixel_piece[i] = uint4(0);
    if (pixel != MATRIX_OUTSIDE)
      share.pixel_piece[i] = *(const device uint4 *)(source + ulong(pixel) * channels + channel);
  }
}

template <ushort PIXELS, ushort ROWS>
void matrix_fetch_weights(constant matrix_args &args, const device short_float *w, matrix_slab slab,
                          uint first_row, ushort thread_index,
                          thread matrix_share<PIXELS, ROWS> &share) {
  constexpr ushort PIECE = 8, PIECES = MMA_DEPTH / PIECE;
  const uint channels = uint(slab.is_y ? args.y_channels : args.x_channels);
  const uint in = uint(args.x_channels + args.y_channels);
  const uint depth = uint(args.side * args.side) * in;
  const uint channel = slab.channel + thread_index % PIECES * PIECE;
  const uint at = matrix_slab_weights(args, slab) + channel - slab.channel;
  UNROLL
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
  UNROLL
  for (ushort i = 0; i < PIXELS; i++)
    *(threadgroup uint4 *)(to + i * (MMA_THREADS / PIECES) * stride) = share.pixel_piece[i];
  to = weights + thread_index / 4 * stride + thread_index % 4 * 8;
  UNROLL
  for (ushort i = 0; i < ROWS; i++)
    matrix_put(to + i * (MMA_THREADS / 4) * stride, share.weight_piece[i]);
}

// Any channel counts: 32 of taps x channels, one number after the other.
template <typename T, bool TAPS, ushort BM, ushort BN>
void matrix_gather(constant matrix_args &args, const device T *x, const device T *y,
                   const device short_float *w, matrix_place place, threadgroup T *pixels,
                   threadgroup T *weights, ushort stride, ushort thread_index) {
  const uint x_channels = uint(args.x_channels), in = x_channels + uint(args.y_channels);
  const uint depth = uint(args.side * args.side) * in;
  const uint k = place.slab * MMA_DEPTH + thread_index % MMA_DEPTH;
  const uint tap = k / in, channel = k % in;
  const ushort first = thread_index / MMA_DEPTH, step = MMA_THREADS / MMA_DEPTH;
  const ushort to = thread_index % MMA_DEPTH;
  for (ushort i = first; i < BM; i += step) {
    const matrix_pixel at =
        matrix_find_pixel<TAPS>(args, uint(args.row_first) + place.row + i, place.phase);
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
kernel void matrix_staged(constant matrix_args &args [[buffer(0)]], device T *out [[buffer(1)]],
                          const device T *x [[buffer(2)]], const device T *y [[buffer(3)]],
                          const device short_float *w [[buffer(4)]],
                          const device float *bias [[buffer(5)]],
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
  matrix_slab slab = matrix_find_slab<MMA_DEPTH>(args, place.slab);
  w += matrix_phase_weights(args) * place.phase;
  matrix_share<BM * PIECES / MMA_THREADS, BN * 4 / MMA_THREADS> share;
  UNROLL
  for (ushort i = 0; i < BM * PIECES / MMA_THREADS; i++) {
    const uint own = place.row + thread_index / PIECES + i * (MMA_THREADS / PIECES);
    share.pixel[i] = matrix_find_pixel<TAPS>(args, uint(args.row_first) + own, place.phase);
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
      if (matrix_next_slab<MMA_DEPTH>(args, slab)) matrix_move_to_tap<TAPS>(args, share, slab.tap);
      matrix_fetch_pixels(args, slab.is_y ? y : x, slab, thread_index, share);
      matrix_fetch_weights(args, w, slab, place.column, thread_index, share);
    }
    mma_multiply_slab(sums, pixels + row * STRIDE, weights + column * STRIDE, STRIDE);
  }

  if (args.slices > 1) {
    matrix_store_slice<BM, BN>(args, (device float *)out, sums, group, groups, place.row + row,
                               place.column + column);
    return;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const matrix_target<T> to = matrix_target_of(out, bias, residual, channel_add, place.phase);
  threadgroup float *stage = (threadgroup float *)memory + simd_group * 8 * (8 * FN + 4);
  matrix_finish_sums(args, to, sums, stage, place.row + row, place.column + column, lane);
}

// ---- direct: blocks straight from device memory ----
//
// One threadgroup: a 64 x 64 tile of out, 32 x 32 a simdgroup. Channels and rows of the weight are
// multiples of 8; a block of columns past the end is read at the last one's place, and not stored.

constant constexpr ushort DIRECT_BLOCKS = 4;  // a side, of a simdgroup
constant constexpr ushort DIRECT_TILE = 2 * 8 * DIRECT_BLOCKS;
constant constexpr ushort DIRECT_STAGE = 8 * (8 * DIRECT_BLOCKS + 4);
constant constexpr ushort DIRECT_STRIDE = MMA_DEPTH + 8;  // of gathered pixels
constant constexpr ushort DIRECT_ROOM = 8 * DIRECT_BLOCKS * DIRECT_STRIDE;

typedef mma_sums<DIRECT_BLOCKS, DIRECT_BLOCKS> direct_sums;

struct direct_columns {
  uint at[DIRECT_BLOCKS];  // rows of the weight at which blocks begin
};

static inline direct_columns direct_find_columns(constant matrix_args &args, uint column) {
  direct_columns columns;
  UNROLL
  for (ushort j = 0; j < DIRECT_BLOCKS; j++)
    columns.at[j] = min(column + j * 8, uint(args.weight_rows) - 8);
  return columns;
}

// Rows of out are rows of the sources, and multiples of 8. No threadgroup memory until the end; a
// block of rows past the end is the last one.
template <typename T>
kernel void matrix_direct_rows(constant matrix_args &args [[buffer(0)]],
                               device T *out [[buffer(1)]], const device T *x [[buffer(2)]],
                               const device T *y [[buffer(3)]], const device T *w [[buffer(4)]],
                               const device float *bias [[buffer(5)]],
                               const device T *residual [[buffer(6)]],
                               const device T *channel_add [[buffer(7)]],
                               uint3 group [[threadgroup_position_in_grid]],
                               ushort simd_group [[simdgroup_index_in_threadgroup]],
                               ushort lane [[thread_index_in_simdgroup]]) {
  threadgroup float stages[4 * DIRECT_STAGE];
  const matrix_place place = matrix_find_place(args, group, DIRECT_TILE, DIRECT_TILE);
  const uint row = place.row + simd_group / 2 * 32, column = place.column + simd_group % 2 * 32;
  const uint x_channels = uint(args.x_channels), y_channels = uint(args.y_channels);
  const direct_columns columns = direct_find_columns(args, column);
  uint rows[DIRECT_BLOCKS];
  UNROLL
  for (ushort i = 0; i < DIRECT_BLOCKS; i++)
    rows[i] = min(uint(args.row_first) + row + i * 8, uint(args.row_end) - 8);
  direct_sums sums;
  mma_clear(sums);
  mma_multiply_direct(sums, x, rows, x_channels, w, columns.at, x_channels + y_channels,
                      x_channels);
  if (y_channels)
    mma_multiply_direct(sums, y, rows, y_channels, w + x_channels, columns.at,
                        x_channels + y_channels, y_channels);
  const matrix_target<T> to = matrix_target_of(out, bias, residual, channel_add, 0);
  matrix_finish_sums(args, to, sums, stages + simd_group * DIRECT_STAGE, row, column, lane);
}

// Blocks of 8 pixels under a tap. Lane l knows of pixel l / 4 of each. Where the 8 lie at even
// distances, as all do but those at an edge of the picture or in more than one of its lines, a
// block is read in place, else from threadgroup memory, into which it is gathered, with zeros
// outside.
struct direct_pixels {
  matrix_pixel pixel[DIRECT_BLOCKS];
  uint under_tap[DIRECT_BLOCKS], first[DIRECT_BLOCKS];  // this lane's pixel, and the block's first
  bool is_even[DIRECT_BLOCKS], are_all_even;
};

static inline void direct_move_to_tap(constant matrix_args &args, thread direct_pixels &pixels,
                                      uint tap, ushort lane) {
  pixels.are_all_even = true;
  UNROLL
  for (ushort i = 0; i < DIRECT_BLOCKS; i++) {
    const uint own = matrix_under_tap<true>(args, pixels.pixel[i], tap);
    const uint first = simd_broadcast(own, 0);
    const uint even = first + lane / 4 * uint(args.stride);
    pixels.under_tap[i] = own;
    pixels.first[i] = first;
    pixels.is_even[i] = simd_all(first != MATRIX_OUTSIDE && own == even);
    pixels.are_all_even &= pixels.is_even[i];
  }
}

// room [8 pixels a block][DIRECT_STRIDE] = the slab's channels of blocks that are not even.
template <typename T>
void direct_gather(const device T *source, uint channels, uint channel,
                   const thread direct_pixels &pixels, threadgroup T *room, ushort lane) {
  const uint own = channel + lane % 4 * 8;
  threadgroup T *to = room + lane / 4 * DIRECT_STRIDE + lane % 4 * 8;
  simdgroup_barrier(mem_flags::mem_threadgroup);  // all have read what was there
  UNROLL
  for (ushort i = 0; i < DIRECT_BLOCKS; i++) {
    if (pixels.is_even[i]) continue;
    uint4 piece = uint4(0);
    if (pixels.under_tap[i] != MATRIX_OUTSIDE && own < channels)
      piece = *(const device uint4 *)(source + ulong(pixels.under_tap[i]) * channels + own);
    *(threadgroup uint4 *)(to + i * 8 * DIRECT_STRIDE) = piece;
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
}

// sums += pixels w^T over one slab; w: where the slab's numbers of the weight's first row are.
template <typename T>
void direct_multiply_slab(constant matrix_args &args, thread direct_sums &sums,
                          const device T *source, uint channels, uint channel,
                          const thread direct_pixels &pixels, const threadgroup T *room,
                          const device T *w, const thread direct_columns &columns) {
  const uint depth = min(uint(MMA_DEPTH), channels - channel);
  const uint w_stride =
      uint(args.side * args.side) * (uint(args.x_channels) + uint(args.y_channels));
  for (uint k = 0; k < depth; k += 8) {
    simdgroup_matrix<T, 8, 8> left[DIRECT_BLOCKS], right[DIRECT_BLOCKS];
    UNROLL
    for (ushort i = 0; i < DIRECT_BLOCKS; i++) {
      if (pixels.is_even[i])
        simdgroup_load(left[i], source + ulong(pixels.first[i]) * channels + channel + k,
                       uint(args.stride) * channels);
      else
        simdgroup_load(left[i], room + i * 8 * DIRECT_STRIDE + k, DIRECT_STRIDE);
    }
    mma_load_columns<T, DIRECT_BLOCKS>(right, w + k, columns.at, w_stride);
    mma_multiply_blocks(sums, left, right);
  }
}

// A source pixel is sought for each tap: 3x3, strides, phases; or one slice of its sums.
template <typename T>
kernel void matrix_direct_taps(constant matrix_args &args [[buffer(0)]],
                               device T *out [[buffer(1)]], const device T *x [[buffer(2)]],
                               const device T *y [[buffer(3)]], const device T *w [[buffer(4)]],
                               const device float *bias [[buffer(5)]],
                               const device T *residual [[buffer(6)]],
                               const device T *channel_add [[buffer(7)]],
                               uint3 group [[threadgroup_position_in_grid]],
                               uint3 groups [[threadgroups_per_grid]],
                               ushort simd_group [[simdgroup_index_in_threadgroup]],
                               ushort lane [[thread_index_in_simdgroup]]) {
  threadgroup float4 memory[DIRECT_ROOM * 4 * sizeof(T) / 16];  // gathered pixels, then stages
  const matrix_place place = matrix_find_place(args, group, DIRECT_TILE, DIRECT_TILE);
  const uint row = place.row + simd_group / 2 * 32, column = place.column + simd_group % 2 * 32;
  const direct_columns columns = direct_find_columns(args, column);
  threadgroup T *room = (threadgroup T *)memory + simd_group * DIRECT_ROOM;
  direct_pixels pixels;
  UNROLL
  for (ushort i = 0; i < DIRECT_BLOCKS; i++)
    pixels.pixel[i] =
        matrix_find_pixel<true>(args, uint(args.row_first) + row + i * 8 + lane / 4, place.phase);
  w += matrix_phase_weights(args) * place.phase;
  direct_sums sums;
  mma_clear(sums);
  matrix_slab slab = matrix_find_slab<MMA_DEPTH>(args, place.slab);
  direct_move_to_tap(args, pixels, slab.tap, lane);
  for (uint index = place.slab; index < place.slab_end; index++) {
    const device T *source = slab.is_y ? y : x;
    const uint channels = uint(slab.is_y ? args.y_channels : args.x_channels);
    if (!pixels.are_all_even) direct_gather(source, channels, slab.channel, pixels, room, lane);
    direct_multiply_slab(args, sums, source, channels, slab.channel, pixels, room,
                         w + matrix_slab_weights(args, slab), columns);
    if (matrix_next_slab<MMA_DEPTH>(args, slab)) direct_move_to_tap(args, pixels, slab.tap, lane);
  }
  if (args.slices > 1) {
    matrix_store_slice<DIRECT_TILE, DIRECT_TILE>(args, (device float *)out, sums, group, groups,
                                                 row, column);
    return;
  }
  const matrix_target<T> to = matrix_target_of(out, bias, residual, channel_add, place.phase);
  threadgroup float *stage = (threadgroup float *)room;
  matrix_finish_sums(args, to, sums, stage, row, column, lane);
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
  const matrix_target<T> to = matrix_target_of(out, bias, residual, channel_add, 0);
  matrix_finish(matrix, to, row, quad * 4, sum, gate);
}

// ---- enlarging by two ----

// out [phase][column][2][2][channel] = sums of w [column][3][3][channel] over the taps that see the
// same pixel: in an even row or column tap 0, then taps 1 and 2; in an odd one taps 0 and 1, then
// tap 2. A thread takes 4 channels of one column.
kernel void matrix_presum(constant matrix_presum_args &args [[buffer(0)]],
                          device short_float4 *out [[buffer(1)]],
                          const device short_float4 *w [[buffer(2)]],
                          uint index [[thread_position_in_grid]]) {
  const uint quads = uint(args.channels) / 4, column = index / quads, quad = index % quads;
  if (column >= uint(args.columns)) return;
  float4 taps[3][3];
  for (uint y = 0; y < 3; y++)
    for (uint x = 0; x < 3; x++)
      taps[y][x] = float4(w[(ulong(column) * 9 + y * 3 + x) * quads + quad]);
  for (uint phase = 0; phase < 4; phase++)
    for (uint tap = 0; tap < 4; tap++) {
      float4 sum = float4(0.0f);
      for (uint y = 0; y < 3; y++)
        for (uint x = 0; x < 3; x++)
          if ((y + 1 - phase / 2) / 2 == tap / 2 && (x + 1 - phase % 2) / 2 == tap % 2)
            sum += taps[y][x];
      out[((ulong(phase) * uint(args.columns) + column) * 4 + tap) * quads + quad] =
          short_float4(sum);
    }
}

// ---- the kernels by name ----

#ifndef STORAGE_BF16

template [[host_name("matrix_f16_64x64_rows")]] [[kernel]]
decltype(matrix_staged<half, 64, 64, false>) matrix_staged<half, 64, 64, false>;
template [[host_name("matrix_f16_64x64_taps")]] [[kernel]]
decltype(matrix_staged<half, 64, 64, true>) matrix_staged<half, 64, 64, true>;
template [[host_name("matrix_f16_64x32_rows")]] [[kernel]]
decltype(matrix_staged<half, 64, 32, false>) matrix_staged<half, 64, 32, false>;
template [[host_name("matrix_f16_64x32_taps")]] [[kernel]]
decltype(matrix_staged<half, 64, 32, true>) matrix_staged<half, 64, 32, true>;
template [[host_name("matrix_f32_64x32_rows")]] [[kernel]]
decltype(matrix_staged<float, 64, 32, false>) matrix_staged<float, 64, 32, false>;
template [[host_name("matrix_f32_64x32_taps")]] [[kernel]]
decltype(matrix_staged<float, 64, 32, true>) matrix_staged<float, 64, 32, true>;
template [[host_name("matrix_f16_direct_rows")]] [[kernel]] decltype(matrix_direct_rows<half>)
    matrix_direct_rows<half>;
template [[host_name("matrix_f16_direct_taps")]] [[kernel]] decltype(matrix_direct_taps<half>)
    matrix_direct_taps<half>;
template [[host_name("matrix_reduce_f16")]] [[kernel]]
decltype(matrix_reduce<half>) matrix_reduce<half>;
template [[host_name("matrix_reduce_f32")]] [[kernel]]
decltype(matrix_reduce<float>) matrix_reduce<float>;
#endif
