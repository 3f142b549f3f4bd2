/* Functions of numbers. Plain overloads, no templates, so that a call with mixed argument types is
   ambiguous here as it is on a Mac. Half functions compute in float and round once. */
#pragma once

namespace metal {

/* For one function of one scalar, the same for vectors. */
#define MSL_EACH1(T, N, name)                      \
  MSL_INLINE vec<T, N> name(vec<T, N> v) {         \
    vec<T, N> r;                                   \
    for (int i = 0; i < N; i++) r[i] = name(v[i]); \
    return r;                                      \
  }
#define MSL_UNARY(name, expression)                     \
  MSL_INLINE float name(float x) { return expression; } \
  MSL_INLINE half name(half narrow) {                   \
    float x = narrow;                                   \
    return (half)(expression);                          \
  }                                                     \
  MSL_EACH1(float, 2, name)                             \
  MSL_EACH1(float, 3, name)                             \
  MSL_EACH1(float, 4, name)                             \
  MSL_EACH1(half, 2, name)                              \
  MSL_EACH1(half, 3, name)                              \
  MSL_EACH1(half, 4, name)
#define MSL_TRANSCENDENTAL                    \
  MSL_UNARY(sqrt, __builtin_sqrtf(x))         \
  MSL_UNARY(rsqrt, 1.0f / __builtin_sqrtf(x)) \
  MSL_UNARY(exp, MSL_LIBM(exp)(x))            \
  MSL_UNARY(exp2, MSL_LIBM(exp2)(x))          \
  MSL_UNARY(log, MSL_LIBM(log)(x))            \
  MSL_UNARY(log2, MSL_LIBM(log2)(x))          \
  MSL_UNARY(sin, MSL_LIBM(sin)(x))            \
  MSL_UNARY(cos, MSL_LIBM(cos)(x))            \
  MSL_UNARY(tan, MSL_LIBM(tan)(x))            \
  MSL_UNARY(tanh, MSL_LIBM(tanh)(x))
MSL_TRANSCENDENTAL
namespace precise {
MSL_TRANSCENDENTAL
}
namespace fast {
MSL_TRANSCENDENTAL
}
MSL_UNARY(fabs, __builtin_fabsf(x))
MSL_UNARY(floor, __builtin_floorf(x))
MSL_UNARY(ceil, __builtin_ceilf(x))
MSL_UNARY(trunc, __builtin_truncf(x))
MSL_UNARY(round, MSL_LIBM(round)(x))
MSL_UNARY(rint, MSL_LIBM(rint)(x))
MSL_UNARY(fract, __builtin_fminf(x - __builtin_floorf(x), 0x1.fffffep-1f))

#define MSL_EACH2(T, N, name)                            \
  MSL_INLINE vec<T, N> name(vec<T, N> a, vec<T, N> b) {  \
    vec<T, N> r;                                         \
    for (int i = 0; i < N; i++) r[i] = name(a[i], b[i]); \
    return r;                                            \
  }
#define MSL_BINARY(name, T, expression)                   \
  MSL_INLINE T name(T a, T b) { return (T)(expression); } \
  MSL_EACH2(T, 2, name)                                   \
  MSL_EACH2(T, 3, name)                                   \
  MSL_EACH2(T, 4, name)
#define MSL_BINARY_FLOAT(name, expression) \
  MSL_BINARY(name, float, expression)      \
  MSL_BINARY(name, half, expression)
#define MSL_BINARY_INTEGER(name, expression) \
  MSL_BINARY(name, int, expression)          \
  MSL_BINARY(name, uint, expression)         \
  MSL_BINARY(name, short, expression)        \
  MSL_BINARY(name, ushort, expression)       \
  MSL_BINARY(name, char, expression)         \
  MSL_BINARY(name, uchar, expression)        \
  MSL_BINARY(name, long, expression)         \
  MSL_BINARY(name, ulong, expression)
MSL_BINARY_FLOAT(max, a < b ? b : a)
MSL_BINARY_FLOAT(min, b < a ? b : a)
MSL_BINARY_INTEGER(max, a < b ? b : a)
MSL_BINARY_INTEGER(min, b < a ? b : a)
MSL_BINARY_FLOAT(fmax, __builtin_fmaxf(a, b))
MSL_BINARY_FLOAT(fmin, __builtin_fminf(a, b))
MSL_BINARY_FLOAT(pow, MSL_LIBM(pow)(a, b))
MSL_BINARY_FLOAT(powr, MSL_LIBM(pow)(a, b))
MSL_BINARY_FLOAT(fmod, MSL_LIBM(fmod)(a, b))
MSL_BINARY_FLOAT(step, b < a ? 0 : 1)
MSL_BINARY_FLOAT(copysign, __builtin_copysignf(a, b))

#define MSL_EACH3(T, N, name)                                        \
  MSL_INLINE vec<T, N> name(vec<T, N> a, vec<T, N> b, vec<T, N> c) { \
    vec<T, N> r;                                                     \
    for (int i = 0; i < N; i++) r[i] = name(a[i], b[i], c[i]);       \
    return r;                                                        \
  }
#define MSL_TERNARY(name, T, expression)                       \
  MSL_INLINE T name(T a, T b, T c) { return (T)(expression); } \
  MSL_EACH3(T, 2, name)                                        \
  MSL_EACH3(T, 3, name)                                        \
  MSL_EACH3(T, 4, name)
MSL_TERNARY(fma, float, __builtin_fmaf(a, b, c))
MSL_TERNARY(fma, half, __builtin_fmaf(a, b, c))
MSL_TERNARY(mix, float, a + (b - a) * c)
MSL_TERNARY(mix, half, a + (b - a) * c)
MSL_TERNARY(clamp, float, __builtin_fminf(__builtin_fmaxf(a, b), c))
MSL_TERNARY(clamp, half, __builtin_fminf(__builtin_fmaxf(a, b), c))
#define MSL_CLAMP(T) MSL_TERNARY(clamp, T, a<b ? b : a> c ? c : a)
MSL_CLAMP(int)
MSL_CLAMP(uint)
MSL_CLAMP(short)
MSL_CLAMP(ushort)
MSL_CLAMP(char)
MSL_CLAMP(uchar)
MSL_CLAMP(long)
MSL_CLAMP(ulong)

#define MSL_ABS(T) \
  MSL_INLINE T abs(T x) { return __builtin_elementwise_abs(x); }
MSL_ABS(float)
MSL_ABS(float2)
MSL_ABS(float3)
MSL_ABS(float4)
MSL_ABS(half)
MSL_ABS(half2)
MSL_ABS(half3)
MSL_ABS(half4)
MSL_ABS(int)
MSL_ABS(int2)
MSL_ABS(int4)

MSL_INLINE bool isnan(float x) { return __builtin_isnan(x); }
MSL_INLINE bool isinf(float x) { return __builtin_isinf(x); }
MSL_INLINE bool isfinite(float x) { return __builtin_isfinite(x); }
MSL_INLINE float saturate(float x) { return clamp(x, 0.0f, 1.0f); }
MSL_INLINE half saturate(half x) { return clamp(x, (half)0, (half)1); }
MSL_INLINE float sign(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f; }
MSL_INLINE float ldexp(float x, int e) { return __builtin_ldexpf(x, e); }

#define MSL_GEOMETRY(T, N)                                       \
  MSL_INLINE T dot(vec<T, N> a, vec<T, N> b) {                   \
    T s = 0;                                                     \
    for (int i = 0; i < N; i++) s += a[i] * b[i];                \
    return s;                                                    \
  }                                                              \
  MSL_INLINE T length_squared(vec<T, N> a) { return dot(a, a); } \
  MSL_INLINE T length(vec<T, N> a) { return sqrt(dot(a, a)); }   \
  MSL_INLINE vec<T, N> normalize(vec<T, N> a) { return a * rsqrt(dot(a, a)); }
MSL_GEOMETRY(float, 2)
MSL_GEOMETRY(float, 3)
MSL_GEOMETRY(float, 4)
MSL_GEOMETRY(half, 2)
MSL_GEOMETRY(half, 3)
MSL_GEOMETRY(half, 4)

#define MSL_SELECT(T) \
  MSL_INLINE T select(T a, T b, bool c) { return c ? b : a; }
MSL_SELECT(float)
MSL_SELECT(half)
MSL_SELECT(int)
MSL_SELECT(uint)
template <class T, class C, int N>
MSL_INLINE vec<T, N> select(vec<T, N> a, vec<T, N> b, vec<C, N> c) {
  vec<T, N> r;
  for (int i = 0; i < N; i++) r[i] = c[i] ? b[i] : a[i];
  return r;
}
template <class C, int N>
MSL_INLINE bool any(vec<C, N> c) {
  bool r = false;
  for (int i = 0; i < N; i++) r |= (bool)c[i];
  return r;
}
template <class C, int N>
MSL_INLINE bool all(vec<C, N> c) {
  bool r = true;
  for (int i = 0; i < N; i++) r &= (bool)c[i];
  return r;
}

MSL_INLINE uint popcount(uint x) { return (uint)__builtin_popcount(x); }
MSL_INLINE uint clz(uint x) { return x ? (uint)__builtin_clz(x) : 32; }
MSL_INLINE uint ctz(uint x) { return x ? (uint)__builtin_ctz(x) : 32; }
MSL_INLINE uint mulhi(uint a, uint b) { return (uint)(((ulong)a * b) >> 32); }

template <class T>
struct numeric_limits;
#define MSL_LIMITS(T, least, lowest_, most, eps, inf) \
  template <>                                         \
  struct numeric_limits<T> {                          \
    static constexpr T min() { return least; }        \
    static constexpr T lowest() { return lowest_; }   \
    static constexpr T max() { return most; }         \
    static constexpr T epsilon() { return eps; }      \
    static constexpr T infinity() { return inf; }     \
  };
MSL_LIMITS(float, FLT_MIN, -FLT_MAX, FLT_MAX, FLT_EPSILON, INFINITY)
MSL_LIMITS(half, HALF_MIN, -HALF_MAX, HALF_MAX, HALF_EPSILON, (half)INFINITY)
MSL_LIMITS(int, -INT_MAX - 1, -INT_MAX - 1, INT_MAX, 0, 0)
MSL_LIMITS(uint, 0, 0, UINT_MAX, 0, 0)
#undef MSL_LIMITS

}  // namespace metal
