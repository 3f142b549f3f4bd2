/* How a kernel reaches its thread, buffers and threadgroup memory on the CPU. nvidia.h has the same
   names for a GPU. */
#pragma once
#include "abi.h"

#define MSL_ARGUMENTS int
#define MSL_BUFFER_AT(arguments, i) msl_current->group->buffers[i]
#define MSL_THREADGROUP_AT(arguments, i) msl_current->group->threadgroup_memory[i]
#define MSL_POSITION_IN_GRID(arguments) msl_current->position_in_grid
#define MSL_POSITION_IN_THREADGROUP msl_current->position_in_threadgroup
#define MSL_GROUP_POSITION msl_current->group->position
#define MSL_GROUP_SIZE msl_current->group->size
#define MSL_NOMINAL_SIZE msl_current->group->nominal_size
#define MSL_GRID(arguments) msl_current->group->grid
#define MSL_GROUPS msl_current->group->groups
#define MSL_INDEX msl_current->index
#define MSL_LANE msl_current->lane
#define MSL_SIMDGROUP msl_current->simdgroup
#define MSL_SIMDGROUPS msl_current->group->simdgroups
#define MSL_CONSTANT_STORAGE static
#define MSL_LIBM(name) __builtin_##name##f

#define MSL_KERNEL(id, host_name, function, max_threads, described, ...)                           \
  __attribute__((flatten)) static void msl_entry_##id(const msl_thread *) {                        \
    metal::msl::binder<__VA_ARGS__>::call(function, 0);                                            \
  }                                                                                                \
  static const auto msl_arguments_##id = metal::msl::binder<__VA_ARGS__>::describe described;      \
  static const msl_kernel msl_kernel_##id = {                                                      \
      host_name, msl_entry_##id, (int)(sizeof msl_arguments_##id.list / sizeof(msl_argument)) - 1, \
      msl_arguments_##id.list, max_threads};
