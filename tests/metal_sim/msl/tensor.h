/* Metal 4's tensors and mpp::tensor_ops::matmul2d: what tensor.metal uses, and no more. A
   cooperative tensor's layout is the system's own affair, so here it is a scattered one, with an
   element in each thread that is not valid: a kernel that guesses instead of asking fails. */
#pragma once

namespace metal {

constexpr size_t dynamic_extent = ~(size_t)0;

template <class T, size_t N>
struct array {
  T of[N];
  MSL_INLINE constexpr T operator[](size_t i) const { return of[i]; }
};

template <class Index, size_t Rank>
struct dextents {
  static_assert(Rank == 2, "dextents: of 2 dimensions only");
  Index of[2];
  MSL_INLINE constexpr dextents(Index columns, Index rows) : of{columns, rows} {}
};

struct tensor_inline {};

template <int N>
struct execution_simdgroups {
  static constexpr int threads = 32 * N;
};

/* WIDTH columns of HEIGHT rows of a tensor. */
template <class T, size_t WIDTH, size_t HEIGHT>
struct tensor_slice {
  static constexpr size_t width = WIDTH, height = HEIGHT;
  T *first;
  int stride;
};

template <class T, class Extents, class Kind>
struct tensor {
  T *first;
  Extents extents;
  array<int, 2> strides;

  MSL_INLINE tensor(T *memory, Extents size, array<int, 2> steps)
      : first(memory), extents(size), strides(steps) {}

  template <size_t WIDTH, size_t HEIGHT>
  MSL_INLINE tensor_slice<T, WIDTH, HEIGHT> slice(int column, int row) const {
    if (strides[0] != 1 || column < 0 || row < 0 || column + (int)WIDTH > extents.of[0] ||
        row + (int)HEIGHT > extents.of[1])
      msl_report("tensor", "slice of static size beyond the tensor", MSL_SITE);
    return {first + (long)row * strides[1] + column, strides[1]};
  }
};

}  // namespace metal

namespace mpp {
namespace tensor_ops {

struct matmul2d_descriptor {
  enum class mode { multiply, multiply_accumulate };
  int m, n, k;
  bool transpose_left, transpose_right, relaxed_precision;
  mode matmul_mode;
  constexpr matmul2d_descriptor(int rows, int columns, int depth, bool left = false,
                                bool right = false, bool relaxed = false, mode how = mode::multiply)
      : m(rows),
        n(columns),
        k(depth),
        transpose_left(left),
        transpose_right(right),
        relaxed_precision(relaxed),
        matmul_mode(how) {}
};

template <class T, int ROWS, int COLUMNS, int THREADS>
struct cooperative_destination {
  static constexpr int VALID = ROWS * COLUMNS / THREADS;
  static constexpr unsigned SCATTER = 37; /* odd: no two elements meet, for sizes are powers of 2 */
  T own[VALID + 1];

  MSL_INLINE constexpr ushort get_capacity() const { return VALID + 1; }
  MSL_INLINE bool is_valid_element(ushort i) const { return i < VALID; }
  MSL_INLINE T &operator[](ushort i) { return own[i]; }
  MSL_INLINE metal::array<int, 2> get_multidimensional_index(ushort i) const {
    unsigned element = (i * THREADS + MSL_INDEX) * SCATTER % (ROWS * COLUMNS);
    return {(int)(element % COLUMNS), (int)(element / COLUMNS)};
  }
};

template <matmul2d_descriptor D, class Scope>
struct matmul2d {
  static_assert(!D.transpose_left && D.transpose_right, "matmul2d: rows by rows only");
  template <class T>
  using destination = cooperative_destination<T, D.m, D.n, Scope::threads>;

  template <class Left, class Right, class T>
  MSL_INLINE destination<T> get_destination_cooperative_tensor() const {
    static_assert(Left::width == D.k && Left::height == D.m, "matmul2d: the left slice's size");
    static_assert(Right::width == D.k && Right::height == D.n, "matmul2d: the right slice's size");
    return destination<T>{};
  }

  template <class Left, class Right, class T>
  __attribute__((noinline)) void run(Left &left, Right &right, destination<T> &sums) const {
    if (MSL_GROUP_SIZE[0] != Scope::threads)
      msl_report("tensor", "matmul2d by another number of simdgroups than dispatched", MSL_SITE);
    for (ushort i = 0; i < destination<T>::VALID; i++) {
      auto at = sums.get_multidimensional_index(i);
      auto row = left.first + (long)at[1] * left.stride;
      auto column = right.first + (long)at[0] * right.stride;
      T sum = D.matmul_mode == matmul2d_descriptor::mode::multiply ? (T)0 : sums[i];
      for (int k = 0; k < D.k; k++) sum += (T)row[k] * (T)column[k];
      sums[i] = sum;
    }
  }
};

}  // namespace tensor_ops
}  // namespace mpp
