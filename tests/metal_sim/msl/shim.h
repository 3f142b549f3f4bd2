/* metal_stdlib for clang: what a .metal source of this project may use, and no more. A name that is
   missing here is an error, on purpose: add it when a kernel has a reason, as Apple's
   specification has it. The pre-pass includes this file at the head of every source.
   Each file builds on those before it. */
#pragma once
#pragma clang system_header
/* clang-format off */
#ifdef MSL_NVIDIA
#include "nvidia.h"
#else
#include "cpu.h"
#endif
#include "language.h"
#include "vectors.h"
#include "maths.h"
#ifdef MSL_NVIDIA
#include "nvidia_simd.h"
#else
#include "cpu_simd.h"
#include "cpu_matrix.h"
#endif
#include "simd.h"
#include "atomics.h"
#if __cplusplus > 201703L
#include "tensor.h"
#endif
#include "arguments.h"
/* clang-format on */
