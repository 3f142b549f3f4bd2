/* Operations across a simdgroup of 32 lanes, over what cpu_simd.h or nvidia_simd.h offer. */
#pragma once

namespace metal {

#define MSL_SIMD_SUM(T)                                                                \
  MSL_INLINE T simd_sum(T v) {                                                         \
    return msl::reduce<T>(v, msl::SUM, (T)0, [](T a, T b) -> T { return a + b; });     \
  }                                                                                    \
  MSL_INLINE T simd_product(T v) {                                                     \
    return msl::reduce<T>(v, msl::PRODUCT, (T)1, [](T a, T b) -> T { return a * b; }); \
  }
#define MSL_SIMD_EXTREMES(T, lowest, highest)                                                      \
  MSL_INLINE T simd_max(T v) {                                                                     \
    return msl::reduce<T>(v, msl::MAX, (T)(lowest), [](T a, T b) -> T { return a < b ? b : a; });  \
  }                                                                                                \
  MSL_INLINE T simd_min(T v) {                                                                     \
    return msl::reduce<T>(v, msl::MIN, (T)(highest), [](T a, T b) -> T { return b < a ? b : a; }); \
  }
#define MSL_SIMD_MOVES(T)                                                                        \
  MSL_INLINE T simd_shuffle(T v, ushort lane) { return msl::of_lane<T>(v, lane, msl::SHUFFLE); } \
  MSL_INLINE T simd_shuffle_xor(T v, ushort mask) {                                              \
    return msl::of_lane<T>(v, MSL_LANE ^ mask, msl::SHUFFLE_XOR);                                \
  }                                                                                              \
  MSL_INLINE T simd_shuffle_down(T v, ushort delta) {                                            \
    uint lane = MSL_LANE + delta;                                                                \
    return msl::of_lane<T>(v, lane > 31 ? MSL_LANE : lane, msl::SHUFFLE_DOWN);                   \
  }                                                                                              \
  MSL_INLINE T simd_shuffle_up(T v, ushort delta) {                                              \
    uint lane = MSL_LANE - delta;                                                                \
    return msl::of_lane<T>(v, lane > 31 ? MSL_LANE : lane, msl::SHUFFLE_UP);                     \
  }                                                                                              \
  MSL_INLINE T simd_broadcast(T v, ushort lane) {                                                \
    return msl::of_lane<T>(v, lane, msl::BROADCAST);                                             \
  }                                                                                              \
  MSL_INLINE T simd_broadcast_first(T v) { return msl::of_first_lane<T>(v); }
#define MSL_SIMD(T, lowest, highest)    \
  MSL_SIMD_SUM(T)                       \
  MSL_SIMD_SUM(T##2)                    \
  MSL_SIMD_SUM(T##4)                    \
  MSL_SIMD_EXTREMES(T, lowest, highest) \
  MSL_SIMD_MOVES(T)                     \
  MSL_SIMD_MOVES(T##2)                  \
  MSL_SIMD_MOVES(T##4)
MSL_SIMD(float, -INFINITY, INFINITY)
MSL_SIMD(half, -INFINITY, INFINITY)
MSL_SIMD(int, -INT_MAX - 1, INT_MAX)
MSL_SIMD(uint, 0, UINT_MAX)
MSL_SIMD(short, -32768, 32767)
MSL_SIMD(ushort, 0, 65535)

#define MSL_SIMD_PREFIX(T)                                  \
  MSL_INLINE T simd_prefix_inclusive_sum(T v) {             \
    return msl::sum_below<T>(v, true, msl::INCLUSIVE_SUM);  \
  }                                                         \
  MSL_INLINE T simd_prefix_exclusive_sum(T v) {             \
    return msl::sum_below<T>(v, false, msl::EXCLUSIVE_SUM); \
  }
MSL_SIMD_PREFIX(float)
MSL_SIMD_PREFIX(half)
MSL_SIMD_PREFIX(int)
MSL_SIMD_PREFIX(uint)

MSL_INLINE uint simd_or(uint v) {
  return msl::reduce<uint>(v, msl::OR, 0u, [](uint a, uint b) -> uint { return a | b; });
}
MSL_INLINE uint simd_and(uint v) {
  return msl::reduce<uint>(v, msl::AND, UINT_MAX, [](uint a, uint b) -> uint { return a & b; });
}
MSL_INLINE bool simd_all(bool v) {
  return msl::reduce<uint>(v, msl::ALL, 1u, [](uint a, uint b) -> uint { return a & b; });
}
MSL_INLINE bool simd_any(bool v) {
  return msl::reduce<uint>(v, msl::ANY, 0u, [](uint a, uint b) -> uint { return a | b; });
}

/* d = a * b, by way of zero + a * b. */
template <class D, class A>
MSL_INLINE void simdgroup_multiply(simdgroup_matrix<D, 8, 8> &d, const simdgroup_matrix<A, 8, 8> &a,
                                   const simdgroup_matrix<A, 8, 8> &b) {
  simdgroup_matrix<D, 8, 8> zero = make_filled_simdgroup_matrix<D, 8, 8>((D)0);
  simdgroup_multiply_accumulate(d, a, b, zero);
}

typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;

}  // namespace metal
