/* The language: address spaces, scalar types, constants, and the traits that the rest is built on.
 */
#pragma once

#define MSL_SPACE(n) __attribute__((address_space(n)))
#define device MSL_SPACE(1)
#define constant const MSL_SPACE(2)
#define threadgroup MSL_SPACE(3)
#define thread

#define MSL_INLINE inline __attribute__((always_inline))
/* Meets other lanes: no inlining, so that its return address is the place in the kernel. */
#define MSL_MEETING __attribute__((no_sanitize("thread"), noinline, convergent))
#define MSL_SITE __builtin_return_address(0)

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef unsigned long size_t;
typedef long ptrdiff_t;
typedef _Float16 half;
typedef __bf16 bfloat;

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define HUGE_VALF __builtin_inff()
#define MAXFLOAT 3.402823466e+38f
#define FLT_MAX 3.402823466e+38f
#define FLT_MIN 1.175494351e-38f
#define FLT_EPSILON 1.1920928955078125e-7f
#define HALF_MAX 65504.0f16
#define HALF_MIN 6.103515625e-5f16
#define HALF_EPSILON 9.765625e-4f16
#define INT_MAX 2147483647
#define UINT_MAX 4294967295u
#define M_PI_F 3.14159265358979323846f
#define M_1_PI_F 0.318309886183790671538f
#define M_2_SQRTPI_F 1.12837916709551257390f
#define M_SQRT1_2_F 0.70710678118654752440f
#define M_SQRT2_F 1.41421356237309504880f
#define M_LOG2E_F 1.44269504088896340736f
#define M_LN2_F 0.69314718055994530942f
#define M_E_F 2.71828182845904523536f

namespace metal {

template <class T, int N>
using vec = T __attribute__((ext_vector_type(N)));

#define MSL_VECTORS(T)    \
  typedef vec<T, 2> T##2; \
  typedef vec<T, 3> T##3; \
  typedef vec<T, 4> T##4;
MSL_VECTORS(char)
MSL_VECTORS(uchar)
MSL_VECTORS(short)
MSL_VECTORS(ushort)
MSL_VECTORS(int)
MSL_VECTORS(uint)
MSL_VECTORS(long)
MSL_VECTORS(ulong)
MSL_VECTORS(half)
MSL_VECTORS(float)
MSL_VECTORS(bfloat)
MSL_VECTORS(bool)
#undef MSL_VECTORS

namespace msl {

template <class T, T v>
struct constant_of {
  static constexpr T value = v;
};
template <class A, class B>
struct same : constant_of<bool, false> {};
template <class A>
struct same<A, A> : constant_of<bool, true> {};

/* A type without const, volatile and address space. */
template <class T>
struct bare {
  typedef T type;
};
#define MSL_BARE(qualified)              \
  template <class T>                     \
  struct bare<qualified> {               \
    typedef typename bare<T>::type type; \
  };
MSL_BARE(const T)
MSL_BARE(volatile T)
MSL_BARE(const volatile T)
MSL_BARE(MSL_SPACE(1) T)
MSL_BARE(MSL_SPACE(2) T)
MSL_BARE(MSL_SPACE(3) T)
MSL_BARE(const MSL_SPACE(1) T)
MSL_BARE(const MSL_SPACE(2) T)
MSL_BARE(const MSL_SPACE(3) T)
#undef MSL_BARE

/* The address space of a type, and whether it may be written. */
template <class T>
struct space_of {
  static constexpr int number = 0;
  static constexpr bool writable = false;
};
#define MSL_SPACE_OF(qualified, space, may_write) \
  template <class T>                              \
  struct space_of<qualified> {                    \
    static constexpr int number = space;          \
    static constexpr bool writable = may_write;   \
  };
MSL_SPACE_OF(MSL_SPACE(1) T, 1, true)
MSL_SPACE_OF(const MSL_SPACE(1) T, 1, false)
MSL_SPACE_OF(const MSL_SPACE(2) T, 2, false)
MSL_SPACE_OF(MSL_SPACE(3) T, 3, true)
MSL_SPACE_OF(const MSL_SPACE(3) T, 3, false)
#undef MSL_SPACE_OF

/* Element type and count; a scalar is a vector of one. */
template <class T>
struct shape {
  typedef T element;
  static constexpr int count = 1;
};
#define MSL_SHAPE(N)                \
  template <class T>                \
  struct shape<vec<T, N>> {         \
    typedef T element;              \
    static constexpr int count = N; \
  };
MSL_SHAPE(2)
MSL_SHAPE(3)
MSL_SHAPE(4)
#undef MSL_SHAPE

template <class T>
struct is_scalar : constant_of<bool, false> {};
#define MSL_SCALAR(T) \
  template <>         \
  struct is_scalar<T> : constant_of<bool, true> {};
MSL_SCALAR(bool)
MSL_SCALAR(char)
MSL_SCALAR(signed char)
MSL_SCALAR(uchar)
MSL_SCALAR(short)
MSL_SCALAR(ushort)
MSL_SCALAR(int)
MSL_SCALAR(uint)
MSL_SCALAR(long)
MSL_SCALAR(ulong)
MSL_SCALAR(half)
MSL_SCALAR(float)
MSL_SCALAR(bfloat)
#undef MSL_SCALAR

}  // namespace msl

template <class A, class B>
using is_same = msl::same<A, B>;

template <class A, class B>
constexpr bool is_same_v = msl::same<A, B>::value;

template <class D, class S>
MSL_INLINE D as_type(S s) {
  static_assert(sizeof(D) == sizeof(S), "as_type: sizes differ");
  return __builtin_bit_cast(D, s);
}

}  // namespace metal
