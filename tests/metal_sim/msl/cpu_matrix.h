/* simdgroup_matrix on the CPU. The whole matrix is kept by lane 0 and the other lanes pass by: a
   legal schedule, since kernels may rely on barriers only, and most of the simulator's speed. A
   matrix whose thread_elements() were asked for is shared out from then on: each lane keeps its two
   elements, and every operation with it is a meeting of the 32 lanes. The first thread_elements()
   must therefore be reached by all of them. */
#pragma once

namespace metal {
namespace msl {

typedef float row8 __attribute__((vector_size(32)));

enum matrix_operation : uint { LOAD = 1, STORE, MULTIPLY, SHARE_OUT, COLLECT, MULTIPLY_SHARED };

/* Where a lane has its two elements: this row, this column and the next, as on Apple's GPUs. */
MSL_INLINE constexpr uint row_of_lane(uint lane) { return (lane >> 2 & 4) + (lane >> 1 & 3); }
MSL_INLINE constexpr uint column_of_lane(uint lane) { return (lane >> 1 & 4) + (lane & 1) * 2; }

struct place {
  const void *pointer;
  ulong stride, origin;
};

/* Checked runs: all 32 lanes are here, with the same arguments. */
MSL_MEETING inline void check_uniform(uint operation, place mine) {
  const void *site = MSL_SITE;
  msl_exchange *exchange = msl_exchange_begin();
  *(place *)exchange->slot[msl_current->lane] = mine;
  if (!msl_arrive(MATRIX + operation, site)) return;
  bool agree = true;
  for (int i = 0; i < 32; i++) {
    const place *other = (const place *)exchange->slot[i];
    if (exchange->active >> i & 1)
      agree &= other->pointer == mine.pointer && other->stride == mine.stride &&
               other->origin == mine.origin;
  }
  if (exchange->active != UINT_MAX)
    msl_report("simd", "simdgroup_matrix operation without all 32 lanes", site);
  else if (!agree)
    msl_report("simd", "simdgroup_matrix operation whose arguments differ between lanes", site);
  msl_release();
}
MSL_INLINE void check_matrix(uint operation, const void *pointer, ulong stride, ulong origin) {
  if (__builtin_expect(msl_checking, 0)) check_uniform(operation, {pointer, stride, origin});
}

}  // namespace msl

template <class T, int R, int C>
struct simdgroup_matrix;
namespace msl {
template <class T>
void share_out(simdgroup_matrix<T, 8, 8> &m);
}

template <class T, int R, int C>
struct simdgroup_matrix {
  static_assert(R == 8 && C == 8, "simdgroup_matrix: 8x8 only");
  static_assert(msl::same<T, half>::value || msl::same<T, float>::value ||
                    msl::same<T, bfloat>::value,
                "simdgroup_matrix: half, bfloat or float");
  alignas(64) T all[64]; /* lane 0's: the matrix by rows */
  vec<T, 2> own;         /* this lane's elements, once shared out */
  bool shared_out = false;

  simdgroup_matrix() = default;
  MSL_INLINE explicit simdgroup_matrix(T diagonal) {
    if (msl_current->lane == 0)
      for (int i = 0; i < 64; i++) all[i] = i % 9 ? (T)0 : diagonal;
  }
  MSL_INLINE vec<T, 2> &thread_elements() {
    if (!shared_out) msl::share_out(*this);
    return own;
  }
};

template <class T, int R, int C>
MSL_INLINE simdgroup_matrix<T, R, C> make_filled_simdgroup_matrix(T value) {
  simdgroup_matrix<T, R, C> filled;
  if (msl_current->lane == 0)
    for (int i = 0; i < 64; i++) filled.all[i] = value;
  return filled;
}

namespace msl {

template <class T>
using matrix = simdgroup_matrix<T, 8, 8>;

/* What each lane brings to a meeting: the addresses of its own d, a, b, c. */
struct operands {
  void *of[4];
};

/* Brings the lanes' elements of operand `which` together in lane 0. */
template <class T>
matrix<T> &gather(const msl_exchange *exchange, int which) {
  matrix<T> &whole = *(matrix<T> *)((const operands *)exchange->slot[0])->of[which];
  for (uint lane = 0; whole.shared_out && lane < 32; lane++) {
    const operands *there = (const operands *)exchange->slot[lane];
    T *pair = whole.all + row_of_lane(lane) * 8 + column_of_lane(lane);
    pair[0] = ((const matrix<T> *)there->of[which])->own[0];
    pair[1] = ((const matrix<T> *)there->of[which])->own[1];
  }
  return whole;
}

/* Deals lane 0's matrix out to the lanes. */
template <class T>
void scatter(const msl_exchange *exchange, int which) {
  const matrix<T> &whole = *(const matrix<T> *)((const operands *)exchange->slot[0])->of[which];
  for (uint lane = 0; lane < 32; lane++) {
    const operands *there = (const operands *)exchange->slot[lane];
    const T *pair = whole.all + row_of_lane(lane) * 8 + column_of_lane(lane);
    ((matrix<T> *)there->of[which])->own = vec<T, 2>{pair[0], pair[1]};
  }
}

/* All 32 lanes meet; the last one to come works for all. */
template <class F>
MSL_INLINE void meet(uint operation, operands mine, const void *site, F work) {
  msl_exchange *exchange = msl_exchange_begin();
  *(operands *)exchange->slot[msl_current->lane] = mine;
  if (!msl_arrive(MATRIX + operation, site)) return;
  if (exchange->active == UINT_MAX)
    work(exchange);
  else
    msl_report("simd", "simdgroup_matrix operation without all 32 lanes", site);
  msl_release();
}

template <class T>
MSL_MEETING void share_out(matrix<T> &m) {
  meet(SHARE_OUT, {{&m}}, MSL_SITE, [](const msl_exchange *exchange) { scatter<T>(exchange, 0); });
  m.shared_out = true;
}

template <class T>
MSL_MEETING void collect(const matrix<T> &m) {
  meet(COLLECT, {{(void *)&m}}, MSL_SITE,
       [](const msl_exchange *exchange) { gather<T>(exchange, 0); });
}

template <class D, class A, class B, class C>
MSL_INLINE void multiply_accumulate(matrix<D> &d, const matrix<A> &a, const matrix<B> &b,
                                    const matrix<C> &c) {
  row8 right[8];
  for (int k = 0; k < 8; k++)
    for (int j = 0; j < 8; j++) right[k][j] = (float)b.all[k * 8 + j];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    row8 sum;
    for (int j = 0; j < 8; j++) sum[j] = (float)c.all[i * 8 + j];
#pragma clang loop unroll(full)
    for (int k = 0; k < 8; k++) {
      float left = (float)a.all[i * 8 + k];
      sum = sum + right[k] * left;
    }
    for (int j = 0; j < 8; j++) d.all[i * 8 + j] = (D)sum[j];
  }
}

template <class D, class A, class B, class C>
MSL_MEETING void multiply_shared(matrix<D> &d, const matrix<A> &a, const matrix<B> &b,
                                 const matrix<C> &c) {
  meet(MULTIPLY_SHARED, {{&d, (void *)&a, (void *)&b, (void *)&c}}, MSL_SITE,
       [](const msl_exchange *exchange) {
         matrix<D> &to = *(matrix<D> *)((const operands *)exchange->slot[0])->of[0];
         multiply_accumulate(to, gather<A>(exchange, 1), gather<B>(exchange, 2),
                             gather<C>(exchange, 3));
         if (to.shared_out) scatter<D>(exchange, 0);
       });
}

}  // namespace msl

/* Lane 0 moves all 64 elements; checked runs count them as the simdgroup's accesses. */
#define MSL_MATRIX_LOAD(space)                                                                     \
  template <class T>                                                                               \
  MSL_INLINE void simdgroup_load(simdgroup_matrix<T, 8, 8> &d, const space T *p, ulong stride = 8, \
                                 vec<ulong, 2> origin = 0, bool transpose = false) {               \
    const space T *from = p + origin.y * stride + origin.x;                                        \
    msl::check_matrix(msl::LOAD, (const void *)(ulong)from, stride, transpose);                    \
    if (msl_current->lane == 0) {                                                                  \
      if (msl_checking) msl_collective(1);                                                         \
      if (transpose) {                                                                             \
        for (int i = 0; i < 8; i++)                                                                \
          for (int j = 0; j < 8; j++) d.all[j * 8 + i] = from[i * stride + j];                     \
      } else {                                                                                     \
        for (int i = 0; i < 8; i++)                                                                \
          for (int j = 0; j < 8; j++) d.all[i * 8 + j] = from[i * stride + j];                     \
      }                                                                                            \
      if (msl_checking) msl_collective(0);                                                         \
    }                                                                                              \
    if (d.shared_out) msl::share_out(d);                                                           \
  }
#define MSL_MATRIX_STORE(space)                                                   \
  template <class T>                                                              \
  MSL_INLINE void simdgroup_store(const simdgroup_matrix<T, 8, 8> &s, space T *p, \
                                  ulong stride = 8, vec<ulong, 2> origin = 0,     \
                                  bool transpose = false) {                       \
    space T *to = p + origin.y * stride + origin.x;                               \
    msl::check_matrix(msl::STORE, (const void *)(ulong)to, stride, transpose);    \
    if (s.shared_out) msl::collect(s);                                            \
    if (msl_current->lane) return;                                                \
    if (msl_checking) msl_collective(1);                                          \
    for (int i = 0; i < 8; i++)                                                   \
      for (int j = 0; j < 8; j++)                                                 \
        to[i * stride + j] = transpose ? s.all[j * 8 + i] : s.all[i * 8 + j];     \
    if (msl_checking) msl_collective(0);                                          \
  }
MSL_MATRIX_LOAD(MSL_SPACE(1))
MSL_MATRIX_LOAD(MSL_SPACE(2))
MSL_MATRIX_LOAD(MSL_SPACE(3))
MSL_MATRIX_STORE(MSL_SPACE(1))
MSL_MATRIX_STORE(MSL_SPACE(3))
#undef MSL_MATRIX_LOAD
#undef MSL_MATRIX_STORE

template <class D, class A, class B, class C>
MSL_INLINE void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8> &d,
                                              const simdgroup_matrix<A, 8, 8> &a,
                                              const simdgroup_matrix<B, 8, 8> &b,
                                              const simdgroup_matrix<C, 8, 8> &c) {
  static_assert(msl::same<A, B>::value && msl::same<C, D>::value,
                "simdgroup_multiply_accumulate: a, b of one type and c, d of one type");
  msl::check_matrix(msl::MULTIPLY, (const void *)0, 0, 0);
  if (d.shared_out | a.shared_out | b.shared_out | c.shared_out)
    msl::multiply_shared(d, a, b, c);
  else if (msl_current->lane == 0)
    msl::multiply_accumulate(d, a, b, c);
}

}  // namespace metal
