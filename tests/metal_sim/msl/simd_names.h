/* The names that cpu_simd.h and nvidia_simd.h share: flags of barriers, and the operations of a
   simdgroup, by which a checked run knows one that all lanes must reach. */
#pragma once

namespace metal {

enum class mem_flags : uint { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4 };
MSL_INLINE constexpr mem_flags operator|(mem_flags a, mem_flags b) {
  return (mem_flags)((uint)a | (uint)b);
}

namespace msl {

enum operation : uint {
  SUM = 1,
  PRODUCT,
  MAX,
  MIN,
  AND,
  OR,
  SHUFFLE,
  SHUFFLE_XOR,
  SHUFFLE_UP,
  SHUFFLE_DOWN,
  BROADCAST,
  FIRST,
  ALL,
  ANY,
  INCLUSIVE_SUM,
  EXCLUSIVE_SUM,
  MATRIX
};

}  // namespace msl
}  // namespace metal
