/* How a kernel reaches its thread, buffers and threadgroup memory on an NVIDIA GPU, for clang's
   nvptx64 target: a threadgroup is a block, a simdgroup a warp, and Metal's address spaces 1 and 3
   are global and shared memory. cpu.h has the same names for the CPU. */
#pragma once
#include "nvidia/arguments.h"

enum msl_argument_kind { MSL_BUFFER = 1, MSL_THREADGROUP = 2, MSL_BUILTIN = 3 };
struct msl_argument {
  const char *name;
  int kind, index, optional, is_reference, writable;
  uint32_t size, alignment;
};

#define MSL_ARGUMENTS const msl_nvidia_arguments &
#define MSL_CONSTANT_STORAGE __attribute__((visibility("default")))
#define MSL_LIBM(name) __nv_##name##f

/* libdevice. */
extern "C" {
#define MSL_LIBDEVICE(name) float __nv_##name##f(float)
MSL_LIBDEVICE(exp);
MSL_LIBDEVICE(exp2);
MSL_LIBDEVICE(log);
MSL_LIBDEVICE(log2);
MSL_LIBDEVICE(sin);
MSL_LIBDEVICE(cos);
MSL_LIBDEVICE(tan);
MSL_LIBDEVICE(tanh);
MSL_LIBDEVICE(round);
MSL_LIBDEVICE(rint);
#undef MSL_LIBDEVICE
float __nv_powf(float, float);
float __nv_fmodf(float, float);
extern __attribute__((address_space(3))) char msl_nvidia_shared[];
}

struct msl_three {
  uint32_t v[3];
  __attribute__((always_inline)) operator const uint32_t *() const { return v; }
};

#define MSL_REGISTERS(name)                                             \
  static inline __attribute__((always_inline)) msl_three msl_##name() { \
    return {{(uint32_t)__nvvm_read_ptx_sreg_##name##_x(),               \
             (uint32_t)__nvvm_read_ptx_sreg_##name##_y(),               \
             (uint32_t)__nvvm_read_ptx_sreg_##name##_z()}};             \
  }
MSL_REGISTERS(tid)
MSL_REGISTERS(ntid)
MSL_REGISTERS(ctaid)
MSL_REGISTERS(nctaid)
#undef MSL_REGISTERS

static inline __attribute__((always_inline)) msl_three msl_position() {
  msl_three thread = msl_tid(), size = msl_ntid(), group = msl_ctaid();
  for (int d = 0; d < 3; d++) thread.v[d] += group.v[d] * size.v[d];
  return thread;
}
static inline __attribute__((always_inline)) uint32_t msl_index() {
  msl_three thread = msl_tid(), size = msl_ntid();
  return (thread.v[2] * size.v[1] + thread.v[1]) * size.v[0] + thread.v[0];
}
static inline __attribute__((always_inline)) uint32_t msl_threads() {
  msl_three size = msl_ntid();
  return size.v[0] * size.v[1] * size.v[2];
}

#define MSL_BUFFER_AT(arguments, i) (void *)arguments.buffers[i]
#define MSL_THREADGROUP_AT(arguments, i) \
  (void *)(unsigned long)&msl_nvidia_shared[arguments.threadgroup_offsets[i]]
#define MSL_POSITION_IN_GRID(arguments) msl_position()
#define MSL_POSITION_IN_THREADGROUP msl_tid()
#define MSL_GROUP_POSITION msl_ctaid()
#define MSL_GROUP_SIZE msl_ntid()
#define MSL_NOMINAL_SIZE msl_ntid()
#define MSL_GRID(arguments) arguments.grid
#define MSL_GROUPS msl_nctaid()
#define MSL_INDEX msl_index()
#define MSL_LANE (msl_index() & 31u)
#define MSL_SIMDGROUP (msl_index() >> 5)
#define MSL_SIMDGROUPS ((msl_threads() + 31u) >> 5)

#define msl_threadgroup_variable(key, size, alignment)                         \
  ({                                                                           \
    static __attribute__((address_space(3), aligned(16))) char variable[size]; \
    (unsigned long)&variable[0];                                               \
  })

#define MSL_KERNEL(id, host_name, function, max_threads, described, ...)  \
  extern "C" __attribute__((nvptx_kernel, flatten)) void msl_kernel_##id( \
      msl_nvidia_arguments arguments) {                                   \
    metal::msl::binder<__VA_ARGS__>::call(function, arguments);           \
  }
