/* Atomics: relaxed order only, as in Metal. The value has no plain reads or writes. */
#pragma once

namespace metal {

enum memory_order { memory_order_relaxed = 0 };

template <class T>
struct atomic {
  T value;
};
typedef atomic<int> atomic_int;
typedef atomic<uint> atomic_uint;
typedef atomic<bool> atomic_bool;
typedef atomic<float> atomic_float;

#define MSL_FETCH(name, space, T)                                                         \
  MSL_INLINE T atomic_##name##_explicit(volatile space atomic<T> *p, T x, memory_order) { \
    return __atomic_##name((T *)(ulong) & p->value, x, 0);                                \
  }
#define MSL_ATOMIC(space, T)                                                                      \
  MSL_INLINE T atomic_load_explicit(const volatile space atomic<T> *p, memory_order) {            \
    T r;                                                                                          \
    __atomic_load((T *)(ulong) & p->value, &r, 0);                                                \
    return r;                                                                                     \
  }                                                                                               \
  MSL_INLINE void atomic_store_explicit(volatile space atomic<T> *p, T x, memory_order) {         \
    __atomic_store((T *)(ulong) & p->value, &x, 0);                                               \
  }                                                                                               \
  MSL_INLINE T atomic_exchange_explicit(volatile space atomic<T> *p, T x, memory_order) {         \
    T r;                                                                                          \
    __atomic_exchange((T *)(ulong) & p->value, &x, &r, 0);                                        \
    return r;                                                                                     \
  }                                                                                               \
  MSL_INLINE bool atomic_compare_exchange_weak_explicit(volatile space atomic<T> *p, T *expected, \
                                                        T x, memory_order, memory_order) {        \
    return __atomic_compare_exchange((T *)(ulong) & p->value, expected, &x, 1, 0, 0);             \
  }                                                                                               \
  MSL_FETCH(fetch_add, space, T)                                                                  \
  MSL_FETCH(fetch_sub, space, T)
#define MSL_ATOMIC_INTEGER(space, T) \
  MSL_ATOMIC(space, T)               \
  MSL_FETCH(fetch_max, space, T)     \
  MSL_FETCH(fetch_min, space, T)     \
  MSL_FETCH(fetch_or, space, T)      \
  MSL_FETCH(fetch_and, space, T)     \
  MSL_FETCH(fetch_xor, space, T)
MSL_ATOMIC(MSL_SPACE(1), float)
MSL_ATOMIC_INTEGER(MSL_SPACE(1), int)
MSL_ATOMIC_INTEGER(MSL_SPACE(1), uint)
MSL_ATOMIC_INTEGER(MSL_SPACE(3), int)
MSL_ATOMIC_INTEGER(MSL_SPACE(3), uint)
#undef MSL_FETCH
#undef MSL_ATOMIC
#undef MSL_ATOMIC_INTEGER

}  // namespace metal
