// tensor: linear and conv2d (see matrix.metal) on the tensor units of an M5, by Metal 4's matmul2d.
// A library of its own: where it does not compile, matrix.metal serves.
//
// A threadgroup of 4 simdgroups computes a 128 x 64 tile of out, a slab of K after the other: 64
// channels of one tap of one source. Channels and rows of the weight are multiples of 64; only
// pixels have edges. Sums stay in a cooperative tensor, whose layout is the system's: its elements
// are asked where they belong, and go through threadgroup memory, 64 rows at a time, to what
// follows the sum.
#include <MetalPerformancePrimitives/MetalPerformancePrimitives.h>
#include <metal_stdlib>
#include <metal_tensor>

#include "kernel_args.h"
#include "matrix.h"
#include "unroll.h"

using namespace metal;
using namespace mpp::tensor_ops;

constant constexpr ushort TENSOR_ROWS = 128;
constant constexpr ushort TENSOR_COLUMNS = 64;
constant constexpr ushort TENSOR_DEPTH = 64;
constant constexpr ushort TENSOR_THREADS = 128;
constant constexpr ushort TENSOR_STAGE_ROWS = 64;
constant constexpr ushort TENSOR_STAGE_STRIDE = TENSOR_COLUMNS + 4;
constant constexpr ushort TENSOR_PIECES = TENSOR_DEPTH / 8;  // of 16 bytes, of a pixel in a slab
constant constexpr ushort TENSOR_STEP = TENSOR_THREADS / TENSOR_PIECES;
constant constexpr ushort TENSOR_SHARE = TENSOR_ROWS / TENSOR_STEP;  // pixels that a thread loads

// 4 simdgroups: sums += left right^T over one slab.
#define TENSOR_PRODUCT                                                                        \
  matmul2d<matmul2d_descriptor(TENSOR_ROWS, TENSOR_COLUMNS, TENSOR_DEPTH, false, true, false, \
                               matmul2d_descriptor::mode::multiply_accumulate),               \
           execution_simdgroups<4>>

using tensor_device = tensor<device half, dextents<int, 2>, tensor_inline>;
using tensor_threadgroup = tensor<threadgroup half, dextents<int, 2>, tensor_inline>;

// [rows][depth] numbers, rows `stride` apart; a tensor's first index is the column.
static inline tensor_device tensor_of(device half *from, uint rows, uint depth, uint stride) {
  return tensor_device(from, dextents<int, 2>(int(depth), int(rows)),
                       array<int, 2>{1, int(stride)});
}

template <typename SUMS>
void tensor_clear(thread SUMS &sums) {
  UNROLL
  for (ushort i = 0; i < sums.get_capacity(); i++)
    if (sums.is_valid_element(i)) sums[i] = 0.0f;
}

// One half of the tile, rows first.. of it, to the stage.
template <typename SUMS>
void tensor_put_stage(thread SUMS &sums, threadgroup float *stage, int first) {
  UNROLL
  for (ushort i = 0; i < sums.get_capacity(); i++) {
    if (!sums.is_valid_element(i)) continue;
    const auto at = sums.get_multidimensional_index(i);  // column, row
    const int row = int(at[1]) - first;
    if (row >= 0 && row < TENSOR_STAGE_ROWS)
      stage[row * TENSOR_STAGE_STRIDE + int(at[0])] = sums[i];
  }
}

// Stores the stage as it is, into the slice's [tiles of rows][tiles of columns].
static inline void tensor_store_partial(const threadgroup float *stage, device float *to,
                                        uint stride, ushort thread_index) {
  constexpr ushort QUADS = TENSOR_COLUMNS / 4;
  for (ushort unit = thread_index; unit < TENSOR_STAGE_ROWS * QUADS; unit += TENSOR_THREADS) {
    const ushort row = unit / QUADS, column = unit % QUADS * 4;
    *(device float4 *)(to + ulong(row) * stride + column) =
        *(const threadgroup float4 *)(stage + row * TENSOR_STAGE_STRIDE + column);
  }
}

// What follows the sum, for the whole tile; `tiles` counts tiles of rows and of columns.
template <typename SUMS>
void tensor_finish(constant matrix_args &args, matrix_target<half> to, thread SUMS &sums,
                   threadgroup float *stage, matrix_place place, uint slice, uint2 tiles,
                   ushort thread_index) {
  for (ushort half_tile = 0; half_tile < 2; half_tile++) {
    const uint row = place.row + half_tile * TENSOR_STAGE_ROWS;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    tensor_put_stage(sums, stage, half_tile * TENSOR_STAGE_ROWS);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (args.slices > 1) {
      const uint stride = tiles.y * TENSOR_COLUMNS, rows = tiles.x * TENSOR_ROWS;
      tensor_store_partial(
          stage, (device float *)to.out + (ulong(slice) * rows + row) * stride + place.column,
          stride, thread_index);
    } else {
      matrix_finish_stage<half, TENSOR_STAGE_ROWS, TENSOR_COLUMNS, TENSOR_THREADS>(
          args, to, stage, row, place.column, thread_index);
    }
  }
}

// Rows of out are rows of the sources, and multiples of 128: both operands come straight from
// device memory.
kernel void tensor_rows_f16(
    constant matrix_args &args [[buffer(0)]], device half *out [[buffer(1)]],
    device half *x [[buffer(2)]], device half *y [[buffer(3)]], device half *w [[buffer(4)]],
    const device float *bias [[buffer(5)]], const device half *residual [[buffer(6)]],
    const device half *channel_add [[buffer(7)]], uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]], ushort thread_index [[thread_index_in_threadgroup]]) {
  threadgroup float stage[TENSOR_STAGE_ROWS * TENSOR_STAGE_STRIDE];
  const uint x_channels = uint(args.x_channels), y_channels = uint(args.y_channels);
  const uint depth = x_channels + y_channels, rows = uint(args.row_end);
  const matrix_place place = matrix_find_place(args, group, TENSOR_ROWS, TENSOR_COLUMNS);
  const int row = args.row_first + int(place.row), column = int(place.column);
  tensor_device xs = tensor_of(x, rows, x_channels, x_channels);
  tensor_device ys = tensor_of(y, rows, y_channels, y_channels);
  tensor_device ws = tensor_of(w, uint(args.weight_rows), depth, depth);

  TENSOR_PRODUCT product;
  auto first_left = xs.slice<TENSOR_DEPTH, TENSOR_ROWS>(0, row);
  auto first_right = ws.slice<TENSOR_DEPTH, TENSOR_COLUMNS>(0, column);
  auto sums =
      product
          .get_destination_cooperative_tensor<decltype(first_left), decltype(first_right), float>();
  tensor_clear(sums);
  for (uint k = place.slab * TENSOR_DEPTH; k < place.slab_end * TENSOR_DEPTH; k += TENSOR_DEPTH) {
    auto right = ws.slice<TENSOR_DEPTH, TENSOR_COLUMNS>(int(k), column);
    if (k < x_channels) {
      auto left = xs.slice<TENSOR_DEPTH, TENSOR_ROWS>(int(k), row);
      product.run(left, right, sums);
    } else {
      auto left = ys.slice<TENSOR_DEPTH, TENSOR_ROWS>(int(k - x_channels), row);
      product.run(left, right, sums);
    }
  }
  tensor_finish(args, matrix_target_of(out, bias, residual, channel_add, place.phase), sums, stage,
                place, group.z, args.is_columns_first ? groups.yx : groups.xy, thread_index);
}

// Any pixels: those of a slab are gathered into threadgroup memory.
kernel void tensor_taps_f16(constant matrix_args &args [[buffer(0)]],
                            device half *out [[buffer(1)]], const device half *x [[buffer(2)]],
                            const device half *y [[buffer(3)]], device half *w [[buffer(4)]],
                            const device float *bias [[buffer(5)]],
                            const device half *residual [[buffer(6)]],
                            const device half *channel_add [[buffer(7)]],
                            uint3 group [[threadgroup_position_in_grid]],
                            uint3 groups [[threadgroups_per_grid]],
                            ushort thread_index [[thread_index_in_threadgroup]]) {
  threadgroup uint4 memory[TENSOR_STAGE_ROWS * TENSOR_STAGE_STRIDE / 4];
  threadgroup half *pixels = (threadgroup half *)memory;
  const uint in = uint(args.x_channels + args.y_channels);
  const uint depth = uint(args.side * args.side) * in;
  const matrix_place place = matrix_find_place(args, group, TENSOR_ROWS, TENSOR_COLUMNS);
  const ushort piece = thread_index % TENSOR_PIECES * 8;
  matrix_pixel pixel[TENSOR_SHARE];
  uint under_tap[TENSOR_SHARE];
  UNROLL
  for (ushort i = 0; i < TENSOR_SHARE; i++) {
    const uint own = place.row + thread_index / TENSOR_PIECES + i * TENSOR_STEP;
    pixel[i] = matrix_find_pixel<true>(args, uint(args.row_first) + own, place.phase);
  }
  tensor_threadgroup whole_left(pixels, dextents<int, 2>(TENSOR_DEPTH, TENSOR_ROWS),
                                array<int, 2>{1, TENSOR_DEPTH});
  tensor_device ws =
      tensor_of(w + matrix_phase_weights(args) * place.phase, uint(args.weight_rows), depth, depth);

  TENSOR_PRODUCT product;
  auto left = whole_left.slice<TENSOR_DEPTH, TENSOR_ROWS>(0, 0);
  auto first_right = ws.slice<TENSOR_DEPTH, TENSOR_COLUMNS>(0, int(place.column));
  auto sums =
      product.get_destination_cooperative_tensor<decltype(left), decltype(first_right), float>();
  tensor_clear(sums);
  matrix_slab slab = matrix_find_slab<TENSOR_DEPTH>(args, place.slab);
  bool is_new_tap = true;
  for (uint i = place.slab; i < place.slab_end; i++) {
    if (is_new_tap) {
      UNROLL
      for (ushort j = 0; j < TENSOR_SHARE; j++)
        under_tap[j] = matrix_under_tap<true>(args, pixel[j], slab.tap);
    }
    const device half *source = slab.is_y ? y : x;
    const uint channels = uint(slab.is_y ? args.y_channels : args.x_channels);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL
    for (ushort j = 0; j < TENSOR_SHARE; j++) {
      uint4 numbers = uint4(0);
      if (under_tap[j] != MATRIX_OUTSIDE)
        numbers =
            *(const device uint4 *)(source + ulong(under_tap[j]) * channels + slab.channel + piece);
      const ushort row = thread_index / TENSOR_PIECES + j * TENSOR_STEP;
      *(threadgroup uint4 *)(pixels + row * TENSOR_DEPTH + piece) = numbers;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const uint k = slab.tap * in + (slab.is_y ? uint(args.x_channels) : 0) + slab.channel;
    auto right = ws.slice<TENSOR_DEPTH, TENSOR_COLUMNS>(int(k), int(place.column));
    product.run(left, right, sums);
    is_new_tap = matrix_next_slab<TENSOR_DEPTH>(args, slab);
  }
  tensor_finish(args, matrix_target_of(out, bias, residual, channel_add, place.phase), sums,
                (threadgroup float *)memory, place, group.z,
                args.is_columns_first ? groups.yx : groups.xy, thread_index);
}
