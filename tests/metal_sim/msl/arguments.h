/* Kernel arguments: one class for each attribute. `binder` takes the kernel's function pointer, so
   each class makes its argument of the very type that the kernel declares, and refuses a wrong one;
   the pre-pass never has to read a type. */
#pragma once

namespace metal {
namespace msl {

template <class P>
struct pointee {
  static constexpr bool is_pointer = false, is_reference = false;
  typedef char type;
};
template <class T>
struct pointee<T *> {
  static constexpr bool is_pointer = true, is_reference = false;
  typedef T type;
};
template <class T>
struct pointee<T &> {
  static constexpr bool is_pointer = true, is_reference = true;
  typedef T type;
};

template <class P>
MSL_INLINE P at_address(void *address) {
  typedef typename pointee<P>::type T;
  if constexpr (pointee<P>::is_reference)
    return *(T *)(ulong)address;
  else
    return (T *)(ulong)address;
}

template <class P>
constexpr msl_argument describe_memory(const char *name, int kind, int index) {
  typedef typename pointee<P>::type T;
  typedef typename bare<T>::type element;
  bool optional = name[0] == '?';
  return {name + optional,
          kind,
          index,
          optional,
          pointee<P>::is_reference,
          space_of<T>::writable,
          (uint32_t)sizeof(element),
          (uint32_t)alignof(element)};
}

template <int Index>
struct buffer {
  template <class P>
  static MSL_INLINE P get(MSL_ARGUMENTS arguments) {
    constexpr int space = space_of<typename pointee<P>::type>::number;
    static_assert(pointee<P>::is_pointer && (space == 1 || space == 2),
                  "[[buffer(n)]]: a pointer or reference to device or constant memory");
    (void)arguments;
    return at_address<P>(MSL_BUFFER_AT(arguments, Index));
  }
  template <class P>
  static constexpr msl_argument describe(const char *name) {
    return describe_memory<P>(name, MSL_BUFFER, Index);
  }
};

template <int Index>
struct threadgroup_memory {
  template <class P>
  static MSL_INLINE P get(MSL_ARGUMENTS arguments) {
    static_assert(pointee<P>::is_pointer && space_of<typename pointee<P>::type>::number == 3,
                  "[[threadgroup(n)]]: a pointer to threadgroup memory");
    (void)arguments;
    return at_address<P>(MSL_THREADGROUP_AT(arguments, Index));
  }
  template <class P>
  static constexpr msl_argument describe(const char *name) {
    return describe_memory<P>(name, MSL_THREADGROUP, Index);
  }
};

template <class P>
MSL_INLINE P from_three(const uint32_t *v) {
  typedef typename shape<P>::element E;
  static_assert(same<P, uint>::value || same<P, ushort>::value || same<P, uint2>::value ||
                    same<P, uint3>::value || same<P, ushort2>::value || same<P, ushort3>::value,
                "built-in kernel argument: uint, ushort or a vector of 2 or 3 of them");
  if constexpr (shape<P>::count == 1)
    return (P)v[0];
  else if constexpr (shape<P>::count == 2)
    return P{(E)v[0], (E)v[1]};
  else
    return P{(E)v[0], (E)v[1], (E)v[2]};
}
template <class P>
MSL_INLINE P from_one(uint32_t v) {
  static_assert(same<P, uint>::value || same<P, ushort>::value,
                "built-in kernel argument: uint or ushort");
  return (P)v;
}

#define MSL_BUILT_IN(name, expression)                             \
  struct name {                                                    \
    template <class P>                                             \
    static MSL_INLINE P get(MSL_ARGUMENTS arguments) {             \
      (void)arguments;                                             \
      return expression;                                           \
    }                                                              \
    template <class P>                                             \
    static constexpr msl_argument describe(const char *argument) { \
      return {argument, MSL_BUILTIN, 0, 0, 0, 0, 0, 0};            \
    }                                                              \
  };
MSL_BUILT_IN(thread_position_in_grid, from_three<P>(MSL_POSITION_IN_GRID(arguments)))
MSL_BUILT_IN(thread_position_in_threadgroup, from_three<P>(MSL_POSITION_IN_THREADGROUP))
MSL_BUILT_IN(threadgroup_position_in_grid, from_three<P>(MSL_GROUP_POSITION))
MSL_BUILT_IN(threads_per_threadgroup, from_three<P>(MSL_GROUP_SIZE))
MSL_BUILT_IN(dispatch_threads_per_threadgroup, from_three<P>(MSL_NOMINAL_SIZE))
MSL_BUILT_IN(threads_per_grid, from_three<P>(MSL_GRID(arguments)))
MSL_BUILT_IN(threadgroups_per_grid, from_three<P>(MSL_GROUPS))
MSL_BUILT_IN(thread_index_in_threadgroup, from_one<P>(MSL_INDEX))
MSL_BUILT_IN(thread_index_in_simdgroup, from_one<P>(MSL_LANE))
MSL_BUILT_IN(simdgroup_index_in_threadgroup, from_one<P>(MSL_SIMDGROUP))
MSL_BUILT_IN(simdgroups_per_threadgroup, from_one<P>(MSL_SIMDGROUPS))
MSL_BUILT_IN(threads_per_simdgroup, from_one<P>(32u))
MSL_BUILT_IN(thread_execution_width, from_one<P>(32u))
#undef MSL_BUILT_IN

template <int N>
struct argument_list {
  msl_argument list[N + 1];
};

template <class... Sources>
struct binder {
  template <class... P>
  static MSL_INLINE void call(void (*kernel)(P...), MSL_ARGUMENTS arguments) {
    kernel(Sources::template get<P>(arguments)...);
  }
  template <class... P, class... Names>
  static constexpr argument_list<sizeof...(P)> describe(void (*)(P...), Names... names) {
    return {{Sources::template describe<P>(names)..., msl_argument{}}};
  }
};

}  // namespace msl
}  // namespace metal
