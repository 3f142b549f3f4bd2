/* The few functions of NVIDIA's driver that are needed, looked up in libcuda.so.1 when the device
   is opened. Names, types and values follow its public documentation. */
#ifndef NVIDIA_CUDA_H
#define NVIDIA_CUDA_H
#include <stddef.h>
#include <stdint.h>

typedef int cuda_result;
typedef uint64_t cuda_address;
typedef struct cuda_context_s *cuda_context;
typedef struct cuda_module_s *cuda_module;
typedef struct cuda_function_s *cuda_function;
typedef struct cuda_stream_s *cuda_stream;
typedef struct cuda_event_s *cuda_event;

enum {
  CUDA_NOT_READY = 600,
  CUDA_NO_MEMORY = 2,
  CUDA_ILLEGAL_ADDRESS = 700,
  CUDA_TIMEOUT = 702,
  CUDA_MISALIGNED = 716,
  CUDA_ATTACH_GLOBAL = 1,
  CUDA_FUNCTION_MOST_THREADS = 0,
  CUDA_FUNCTION_STATIC_BYTES = 1,
  CUDA_FUNCTION_DYNAMIC_BYTES = 8
};

/* One line a function: what it is called here, its symbol, its parameters. */
#define CUDA_FUNCTIONS(X)                                                                         \
  X(init, cuInit, (unsigned flags))                                                               \
  X(device, cuDeviceGet, (int *device, int ordinal))                                              \
  X(device_name, cuDeviceGetName, (char *name, int size, int device))                             \
  X(retain, cuDevicePrimaryCtxRetain, (cuda_context * context, int device))                       \
  X(release, cuDevicePrimaryCtxRelease_v2, (int device))                                          \
  X(use, cuCtxSetCurrent, (cuda_context context))                                                 \
  X(memory, cuMemGetInfo_v2, (size_t *left, size_t *total))                                       \
  X(load, cuModuleLoadData, (cuda_module * module, const void *image))                            \
  X(unload, cuModuleUnload, (cuda_module module))                                                 \
  X(function, cuModuleGetFunction, (cuda_function * f, cuda_module m, const char *name))          \
  X(function_fact, cuFuncGetAttribute, (int *value, int which, cuda_function f))                  \
  X(set_function, cuFuncSetAttribute, (cuda_function f, int which, int value))                    \
  X(allocate_shared, cuMemAllocManaged, (cuda_address * out, size_t bytes, unsigned kind))        \
  X(allocate, cuMemAlloc_v2, (cuda_address * out, size_t bytes))                                  \
  X(free, cuMemFree_v2, (cuda_address address))                                                   \
  X(copy_in, cuMemcpyHtoDAsync_v2,                                                                \
    (cuda_address to, const void *from, size_t bytes, cuda_stream stream))                        \
  X(launch, cuLaunchKernel,                                                                       \
    (cuda_function f, unsigned x, unsigned y, unsigned z, unsigned threads_x, unsigned threads_y, \
     unsigned threads_z, unsigned shared_bytes, cuda_stream stream, void **parameters,            \
     void **extra))                                                                               \
  X(stream_open, cuStreamCreate, (cuda_stream * stream, unsigned flags))                          \
  X(stream_close, cuStreamDestroy_v2, (cuda_stream stream))                                       \
  X(event_open, cuEventCreate, (cuda_event * event, unsigned flags))                              \
  X(event_close, cuEventDestroy_v2, (cuda_event event))                                           \
  X(event_record, cuEventRecord, (cuda_event event, cuda_stream stream))                          \
  X(event_query, cuEventQuery, (cuda_event event))                                                \
  X(event_time, cuEventElapsedTime, (float *ms, cuda_event from, cuda_event to))                  \
  X(error_text, cuGetErrorString, (cuda_result error, const char **text))

typedef struct cuda_driver {
  void *library;
#define CUDA_MEMBER(name, symbol, parameters) cuda_result(*name) parameters;
  CUDA_FUNCTIONS(CUDA_MEMBER)
#undef CUDA_MEMBER
} cuda_driver;

#endif
