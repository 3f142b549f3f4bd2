/* Vector constructors and packed vectors. The pre-pass turns `float4(a, b.xy, c)` into
   `msl::make<float4>(a, b.xy, c)`, for clang's vectors have no constructors. */
#pragma once

namespace metal {
namespace msl {

template <class T, int N>
struct packed;

template <class V, int At, class A>
MSL_INLINE constexpr void put(V &v, A a) {
  typedef typename shape<V>::element E;
  if constexpr (shape<A>::count == 1)
    v[At] = (E)a;
  else
    for (int i = 0; i < shape<A>::count; i++) v[At + i] = (E)a[i];
}

template <class V, int At>
MSL_INLINE constexpr void fill(V &) {
  static_assert(At == shape<V>::count, "vector constructor: too few components");
}
template <class V, int At, class A, class... Rest>
MSL_INLINE constexpr void fill(V &v, A a, Rest... rest) {
  static_assert(At + shape<A>::count <= shape<V>::count, "vector constructor: too many components");
  put<V, At>(v, a);
  fill<V, At + shape<A>::count>(v, rest...);
}

template <class V>
MSL_INLINE constexpr V make() {
  return (V)(typename shape<V>::element)0;
}
template <class V, class A>
MSL_INLINE constexpr V make(A a) {
  typedef typename shape<V>::element E;
  if constexpr (shape<V>::count == 1) {
    return (V)a;
  } else if constexpr (shape<A>::count == 1) {
    static_assert(is_scalar<A>::value, "vector constructor: not a scalar");
    return (V)(E)a;
  } else {
    static_assert(shape<A>::count == shape<V>::count,
                  "vector constructor: wrong number of components");
    return __builtin_convertvector(a, V);
  }
}
template <class V, class A, class B, class... Rest>
MSL_INLINE constexpr V make(A a, B b, Rest... rest) {
  V v = (V)(typename shape<V>::element)0;
  fill<V, 0>(v, a, b, rest...);
  return v;
}

/* An element of a packed array is read by float3(p[i]) and written by p[i] = packed_float3(v). */
#define MSL_UNPACK(space)                                                         \
  template <class V, class T, int N>                                              \
  MSL_INLINE V make(const space packed<T, N> &a) {                                \
    V v;                                                                          \
    for (int i = 0; i < N; i++) v[i] = (typename shape<V>::element)a.elements[i]; \
    return v;                                                                     \
  }
MSL_UNPACK(MSL_SPACE(1))
MSL_UNPACK(MSL_SPACE(2))
MSL_UNPACK(MSL_SPACE(3))
#undef MSL_UNPACK

template <class T, int N>
struct packed {
  T elements[N];
  packed() = default;
  MSL_INLINE packed(vec<T, N> v) {
    for (int i = 0; i < N; i++) elements[i] = v[i];
  }
  MSL_INLINE operator vec<T, N>() const {
    vec<T, N> v;
    for (int i = 0; i < N; i++) v[i] = elements[i];
    return v;
  }
  MSL_INLINE T &operator[](int i) { return elements[i]; }
  MSL_INLINE T operator[](int i) const { return elements[i]; }
};

}  // namespace msl

#define MSL_PACKED(T)                      \
  typedef msl::packed<T, 2> packed_##T##2; \
  typedef msl::packed<T, 3> packed_##T##3; \
  typedef msl::packed<T, 4> packed_##T##4;
MSL_PACKED(float)
MSL_PACKED(half)
MSL_PACKED(uchar)
MSL_PACKED(char)
MSL_PACKED(ushort)
MSL_PACKED(uint)
#undef MSL_PACKED

/* float3x3 and its like are this template. Kernels use none of them; the name is here so that none
   of theirs is the same. */
template <class T, int Columns, int Rows>
struct matrix;

}  // namespace metal
