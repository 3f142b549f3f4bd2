/* Barriers, and values passed between the 32 lanes of a simdgroup, on the CPU: a lane is a fiber,
   an operation a meeting of them. nvidia_simd.h has the same names for a GPU. */
#pragma once
#include "simd_names.h"

namespace metal {

MSL_INLINE void threadgroup_barrier(mem_flags flags) { msl_barrier((uint)flags, 0); }
MSL_INLINE void simdgroup_barrier(mem_flags flags) { msl_barrier((uint)flags, 1); }

namespace msl {

/* Leaves a value for the others; afterwards theirs can be read. */
template <class T>
MSL_MEETING const msl_exchange *give(T v, uint operation) {
  static_assert(sizeof(T) <= MSL_SLOT_BYTES, "value too wide for a simd operation");
  msl_exchange *exchange = msl_exchange_begin();
  *(T *)exchange->slot[msl_current->lane] = v;
  if (msl_arrive(operation, MSL_SITE)) msl_release();
  return exchange;
}

template <class T>
MSL_MEETING T take(const msl_exchange *exchange, uint lane) {
  if (lane < 32 && (exchange->active >> lane & 1)) return *(const T *)exchange->slot[lane];
  msl_report("simd", "value taken from a lane that is not active", MSL_SITE);
  T poison;
  __builtin_memset(&poison, 0xff, sizeof poison);
  return poison;
}

template <class T>
MSL_INLINE T of_lane(T v, uint lane, uint operation) {
  return take<T>(give<T>(v, operation), lane);
}

template <class T>
MSL_INLINE T of_first_lane(T v) {
  const msl_exchange *exchange = give<T>(v, FIRST);
  return take<T>(exchange, (uint)__builtin_ctz(exchange->active));
}

template <class T>
MSL_INLINE T sum_below(T v, bool inclusive, uint operation) {
  const msl_exchange *exchange = give<T>(v, operation);
  T sum = 0;
  for (uint i = 0; i < msl_current->lane + inclusive; i++)
    if (exchange->active >> i & 1) sum += *(const T *)exchange->slot[i];
  return sum;
}

/* The last lane to come reduces for all, in the order of a butterfly. */
template <class T, class F>
MSL_MEETING T reduce(T v, uint operation, T unit, F combine) {
  msl_exchange *exchange = msl_exchange_begin();
  *(T *)exchange->slot[msl_current->lane] = v;
  if (msl_arrive(operation, MSL_SITE)) {
    T values[32];
    for (int i = 0; i < 32; i++)
      values[i] = exchange->active >> i & 1 ? *(T *)exchange->slot[i] : unit;
    for (int half_width = 16; half_width; half_width >>= 1)
      for (int i = 0; i < half_width; i++) values[i] = combine(values[i], values[i + half_width]);
    *(T *)exchange->result = values[0];
    msl_release();
  }
  return *(T *)exchange->result;
}

}  // namespace msl
}  // namespace metal
