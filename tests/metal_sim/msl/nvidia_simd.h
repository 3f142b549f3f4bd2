/* Barriers, values between lanes, and simdgroup_matrix on an NVIDIA GPU: a warp shuffles. A lane
   keeps two elements of a matrix, placed as on Apple's GPUs. */
#pragma once
#include "simd_names.h"

namespace metal {

MSL_INLINE void threadgroup_barrier(mem_flags) { __syncthreads(); }
MSL_INLINE void simdgroup_barrier(mem_flags) { __nvvm_bar_warp_sync(0xffffffffu); }

namespace msl {

template <class T>
struct words {
  uint word[(sizeof(T) + 3) / 4];
};

/* Another lane's value: 32 bits at a time. */
template <class T>
MSL_INLINE T from_lane(T v, uint lane) {
  words<T> bits = {};
  __builtin_memcpy(&bits, &v, sizeof v);
  for (uint i = 0; i < sizeof bits / 4; i++)
    bits.word[i] = (uint)__nvvm_shfl_sync_idx_i32(0xffffffffu, (int)bits.word[i], (int)lane, 31);
  __builtin_memcpy(&v, &bits, sizeof v);
  return v;
}
template <class T>
MSL_INLINE T of_lane(T v, uint lane, uint) {
  return from_lane(v, lane & 31);
}
template <class T>
MSL_INLINE T of_first_lane(T v) {
  return from_lane(v, 0);
}
template <class T, class F>
MSL_INLINE T reduce(T v, uint, T, F combine) {
  for (uint mask = 16; mask; mask >>= 1) v = combine(v, from_lane(v, MSL_LANE ^ mask));
  return v;
}
template <class T>
MSL_INLINE T sum_below(T v, bool inclusive, uint) {
  T sum = v;
  for (uint delta = 1; delta < 32; delta <<= 1) {
    T below = from_lane(sum, (MSL_LANE - delta) & 31);
    if (MSL_LANE >= delta) sum += below;
  }
  return inclusive ? sum : sum - v;
}

MSL_INLINE uint row_of_lane(uint lane) { return (lane >> 2 & 4) + (lane >> 1 & 3); }
MSL_INLINE uint column_of_lane(uint lane) { return (lane >> 1 & 4) + (lane & 1) * 2; }
/* The lane that keeps an element. */
MSL_INLINE uint lane_of(uint row, uint column) {
  return (column >> 1 & 1) | (row & 3) << 1 | (column >> 2 & 1) << 3 | (row >> 2 & 1) << 4;
}

}  // namespace msl

template <class T, int R, int C>
struct simdgroup_matrix {
  static_assert(R == 8 && C == 8, "simdgroup_matrix: 8x8 only");
  vec<T, 2> own;
  simdgroup_matrix() = default;
  MSL_INLINE explicit simdgroup_matrix(T diagonal) {
    uint row = msl::row_of_lane(MSL_LANE), column = msl::column_of_lane(MSL_LANE);
    own[0] = row == column ? diagonal : (T)0;
    own[1] = row == column + 1 ? diagonal : (T)0;
  }
  MSL_INLINE vec<T, 2> &thread_elements() { return own; }
};

template <class T, int R, int C>
MSL_INLINE simdgroup_matrix<T, R, C> make_filled_simdgroup_matrix(T value) {
  simdgroup_matrix<T, R, C> filled;
  filled.own[0] = filled.own[1] = value;
  return filled;
}

#define MSL_MATRIX_LOAD(space)                                                                     \
  template <class T>                                                                               \
  MSL_INLINE void simdgroup_load(simdgroup_matrix<T, 8, 8> &d, const space T *p, ulong stride = 8, \
                                 vec<ulong, 2> origin = 0, bool transpose = false) {               \
    const space T *from = p + origin.y * stride + origin.x;                                        \
    ulong row = msl::row_of_lane(MSL_LANE), column = msl::column_of_lane(MSL_LANE);                \
    d.own[0] = transpose ? from[column * stride + row] : from[row * stride + column];              \
    d.own[1] = transpose ? from[(column + 1) * stride + row] : from[row * stride + column + 1];    \
  }
#define MSL_MATRIX_STORE(space)                                                         \
  template <class T>                                                                    \
  MSL_INLINE void simdgroup_store(const simdgroup_matrix<T, 8, 8> &s, space T *p,       \
                                  ulong stride = 8, vec<ulong, 2> origin = 0,           \
                                  bool transpose = false) {                             \
    space T *to = p + origin.y * stride + origin.x;                                     \
    ulong row = msl::row_of_lane(MSL_LANE), column = msl::column_of_lane(MSL_LANE);     \
    to[transpose ? column * stride + row : row * stride + column] = s.own[0];           \
    to[transpose ? (column + 1) * stride + row : row * stride + column + 1] = s.own[1]; \
  }
MSL_MATRIX_LOAD(MSL_SPACE(1))
MSL_MATRIX_LOAD(MSL_SPACE(2))
MSL_MATRIX_LOAD(MSL_SPACE(3))
MSL_MATRIX_STORE(MSL_SPACE(1))
MSL_MATRIX_STORE(MSL_SPACE(3))
#undef MSL_MATRIX_LOAD
#undef MSL_MATRIX_STORE

/* For each two k: the pair of a's row, and b's pairs of both rows, come from the lanes that keep
   them. */
template <class D, class A, class B, class C>
MSL_INLINE void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8> &d,
                                              const simdgroup_matrix<A, 8, 8> &a,
                                              const simdgroup_matrix<B, 8, 8> &b,
                                              const simdgroup_matrix<C, 8, 8> &c) {
  uint row = msl::row_of_lane(MSL_LANE), column = msl::column_of_lane(MSL_LANE);
  float sum0 = (float)c.own[0], sum1 = (float)c.own[1];
#pragma clang loop unroll(full)
  for (uint k = 0; k < 8; k += 2) {
    vec<A, 2> left = msl::from_lane(a.own, msl::lane_of(row, k));
    vec<B, 2> even = msl::from_lane(b.own, msl::lane_of(k, column));
    vec<B, 2> odd = msl::from_lane(b.own, msl::lane_of(k + 1, column));
    sum0 += (float)left[0] * (float)even[0];
    sum0 += (float)left[1] * (float)odd[0];
    sum1 += (float)left[0] * (float)even[1];
    sum1 += (float)left[1] * (float)odd[1];
  }
  d.own[0] = (D)sum0;
  d.own[1] = (D)sum1;
}

}  // namespace metal
