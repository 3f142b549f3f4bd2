/* mma: a tile's product on simdgroup_matrix. A threadgroup has 4 simdgroups, 2 x 2 over its tile;
 * each keeps FM x FN blocks of 8 x 8 sums in registers, in f32. Knows neither what is multiplied
 * nor what becomes of the sums. */
#ifndef MMA_H
#define MMA_H

#include <metal_simdgroup_matrix>
#include <metal_stdlib>

#include "unroll.h"

using namespace metal;

constant constexpr ushort MMA_THREADS = 128;
constant constexpr ushort MMA_DEPTH = 32;  // numbers of K that one slab holds

template <ushort FM, ushort FN>
struct mma_sums {
  simdgroup_float8x8 block[FM][FN];
};

template <ushort FM, ushort FN>
void mma_clear(thread mma_sums<FM, FN> &sums) {
  UNROLL
  for (ushort i = 0; i < FM; i++) {
    UNROLL
    for (ushort j = 0; j < FN; j++)
      sums.block[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  }
}

// sums += left right^T: FM blocks, FN blocks, 8 numbers of K.
template <typename T, ushort FM, ushort FN>
void mma_multiply_blocks(thread mma_sums<FM, FN> &sums,
                         const thread simdgroup_matrix<T, 8, 8> *left,
                         const thread simdgroup_matrix<T, 8, 8> *right) {
  UNROLL
  for (ushort i = 0; i < FM; i++) {
    UNROLL
    for (ushort j = 0; j < FN; j++)
      simdgroup_multiply_accumulate(sums.block[i][j], left[i], right[j], sums.block[i][j]);
  }
}

// sums += a b^T over one slab. a: [8 FM][stride], b: [8 FN][stride], both with K fastest.
template <typename T, ushort FM, ushort FN>
void mma_multiply_slab(thread mma_sums<FM, FN> &sums, const threadgroup T *a,
                       const threadgroup T *b, ushort stride) {
  UNROLL
  for (ushort k = 0; k < MMA_DEPTH; k += 8) {
    simdgroup_matrix<T, 8, 8> left[FM], right[FN];
    UNROLL
    for (ushort i = 0; i < FM; i++) simdgroup_load(left[i], a + i * 8 * stride + k, stride);
    UNROLL
    for (ushort j = 0; j < FN; j++)
      simdgroup_load(right[j], b + j * 8 * stride + k, stride, ulong2(0, 0), true);
    mma_multiply_blocks(sums, left, right);
  }
}

// One block of each of 8 rows of b, `columns` beginning where they do, [..][stride]: transposed.
template <typename T, ushort FN>
void mma_load_columns(thread simdgroup_matrix<T, 8, 8> *right, const device T *b,
                      const thread uint *columns, uint stride) {
  UNROLL
  for (ushort j = 0; j < FN; j++)
    simdgroup_load(right[j], b + ulong(columns[j]) * stride, stride, ulong2(0, 0), true);
}

// sums += a b^T over `depth` numbers, a multiple of 8. Block i is rows rows[i].. of a,
// [..][a_stride], block j columns[j].. of b, [..][b_stride].
template <typename T, ushort FM, ushort FN>
void mma_multiply_direct(thread mma_sums<FM, FN> &sums, const device T *a, const thread uint *rows,
                         uint a_stride, const device T *b, const thread uint *columns,
                         uint b_stride, uint depth) {
  for (uint k = 0; k < depth; k += 8) {
    simdgroup_matrix<T, 8, 8> left[FM], right[FN];
    UNROLL
    for (ushort i = 0; i < FM; i++)
      simdgroup_load(left[i], a + ulong(rows[i]) * a_stride + k, a_stride);
    mma_load_columns<T, FN>(right, b + k, columns, b_stride);
    mma_multiply_blocks(sums, left, right);
  }
}

// Stores the first 8 rows of sums, row-major, `stride` floats apart, and moves up those below: a
// loop over all rows that chose its blocks by a variable would have them in memory, not in
// registers, and from the first product on.
template <ushort FM, ushort FN>
void mma_take_rows(thread mma_sums<FM, FN> &sums, threadgroup float *to, ushort stride) {
  UNROLL
  for (ushort j = 0; j < FN; j++) simdgroup_store(sums.block[0][j], to + j * 8, stride);
  UNROLL
  for (ushort i = 1; i < FM; i++) {
    UNROLL
    for (ushort j = 0; j < FN; j++) sums.block[i - 1][j] = sums.block[i][j];
  }
}

#endif
