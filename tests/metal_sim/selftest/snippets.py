"""Sources that Apple's compiler takes, and sources that it refuses; a snippet is a kernel's body.

Sources of truth: the specification of the language, and messages quoted in public reports.
"""

HEAD = "#include <metal_stdlib>\n#include <metal_simdgroup_matrix>\nusing namespace metal;\n"
KERNEL = """kernel void k(device float *x [[buffer(0)]], device const half *h [[buffer(1)]],
  constant uint &n [[buffer(2)]], uint i [[thread_position_in_grid]],
  ushort lane [[thread_index_in_simdgroup]]) {
%s
}
"""


def program(body: str, before: str = "") -> str:
    """A whole source around a kernel's body."""
    return HEAD + before + KERNEL % body


def kernel(parameters: str, body: str = "x[0] = 1;", head: str = "kernel void k") -> str:
    """A whole source with these parameters."""
    return f"{HEAD}struct Args {{ uint n; float s; }};\n{head}({parameters}) {{ {body} }}\n"


X = "device float *x [[buffer(0)]]"
SPACE = "must have explicit address space qualifier"
ANY = "error"

# Name, source, words that the compiler's message must have.
REFUSED = [
    ("pointer", program("float *p = 0;"), SPACE),
    ("pointer parameter", program("x[i] = f(0);", "float f(float *p) { return 1; }\n"), SPACE),
    ("reference parameter", program("", "void f(float &p) { p = 1; }\n"), SPACE),
    ("vector pointer", program("float4 *p = (float4 *)x;"), SPACE),
    ("struct pointer", program("", "struct S { int a; };\nint f(S *s) { return s->a; }\n"), SPACE),
    ("kernel's pointer", kernel("float *x [[buffer(0)]]"), SPACE),
    ("cast out of a space", program("thread float *p = (thread float *)x; p[0] = 1;"), ANY),
    ("other space", program("threadgroup float *p = x;"), ANY),
    ("cast to a space", program("threadgroup float *p = (threadgroup float *)x; p[0] = 1;"), ANY),
    ("device as thread", program("f(x);", "float f(thread float *p) { return *p; }\n"), ANY),
    ("write to constant", program("n = 3;"), ANY),
    ("const dropped", program("device half *q = h;"), ANY),
    ("double", program("double d = 1; x[i] = d;"), "'double' is not supported"),
    ("long double literal", program("x[i] = 1.0L;"), "double"),
    ("goto", program("a: x[i] = 1; goto a;"), "'goto' is not supported"),
    ("new", program("thread float *p = new float;"), "'new' is not supported"),
    ("lambda", program("auto f = [](float v) { return v; }; x[i] = f(1);"), "lambda"),
    ("virtual", program("", "struct S { virtual void f() {} };\n"), "'virtual'"),
    ("throw", program("throw 1;"), "'throw'"),
    ("std", program("x[i] = std::max(1.f, 2.f);"), "standard library"),
    ("C++ header", "#include <algorithm>\n" + program(""), "file not found"),
    ("own header", '#include "other.h"\n' + program(""), "file not found"),
    ("math.h", program("x[i] = sqrtf(2.f);"), ANY),
    ("printf", program('printf("x");'), ANY),
    (
        "recursion",
        program("x[i] = f(5);", "float f(float v) { return v < 1 ? 1.f : v * f(v - 1); }\n"),
        "recursion",
    ),
    (
        "recursion by two",
        program(
            "x[i] = a(5);",
            "float b(float v);\nfloat a(float v) { return v < 1 ? 1.f : b(v - 1); }\n"
            "float b(float v) { return a(v) + 1; }\n",
        ),
        "recursion",
    ),
    ("bfloat as half", program("bfloat b = bfloat(1.0f); half q = b; x[i] = q;"), ANY),
    (
        "bfloat times half",
        program("bfloat b = bfloat(1.0f); half q = 1.0h; x[i] = float(b * q);"),
        ANY,
    ),
    ("half4 as float4", program("float4 v = half4(1.0h); x[i] = v.x;"), ANY),
    ("float4 * half4", program("float4 v = float4(1.0) * half4(1.0h); x[i] = v.x;"), ANY),
    ("float4 as float3", program("float4 v = float4(1.0); float3 w = v; x[i] = w.x;"), ANY),
    ("too few components", program("float4 v = float4(1.0, 2.0, 3.0); x[i] = v.x;"), "too few"),
    ("too many components", program("float2 v = float2(float3(1.0)); x[i] = v.x;"), "components"),
    ("swizzle", program("float2 v = float2(1.0); x[i] = v.z;"), ANY),
    ("max(float, int)", program("x[i] = max(x[i], 0);"), "ambiguous"),
    ("min(uint, int)", program("x[i] = float(min(i, 3));"), "ambiguous"),
    (
        "threadgroup variable in a function",
        program("", "void f() { threadgroup float s[4]; s[0] = 1; }\n"),
        "can only be declared in a kernel",
    ),
    ("threadgroup with a value", program("threadgroup float s = 1;"), "cannot be initialized"),
    ("run-time array", program("float a[n]; a[0] = 1; x[i] = a[0];"), ANY),
    (
        "function constant as a size",
        program(
            "float a[c]; a[0] = 1; x[i] = a[0];", "constant uint c [[function_constant(0)]];\n"
        ),
        ANY,
    ),
    ("global variable", program("", "float g = 1;\n"), "constant address space"),
    ("global pointer", program("", "device float *g;\n"), "constant address space"),
    ("static local", program("static int c = 0; c++;"), "static local"),
    ("parameter without attribute", kernel(f"{X}, uint i"), "no attribute"),
    ("kernel with a value", kernel(X, "return x[0];", "kernel float k"), "must return void"),
    ("buffer twice", kernel(f"{X}, device float *y [[buffer(0)]]"), "two parameters"),
    ("buffer 31", kernel("device float *x [[buffer(31)]]"), "out of bounds"),
    ("unknown built-in", kernel(f"{X}, uint i [[thread_position]]"), "unknown"),
    ("built-in int", kernel(f"{X}, int i [[thread_position_in_grid]]"), "built-in"),
    ("built-in float3", kernel(f"{X}, float3 i [[thread_position_in_grid]]"), "built-in"),
    (
        "built-ins of two sizes",
        kernel(f"{X}, uint2 i [[thread_position_in_grid]], uint3 t [[threads_per_grid]]"),
        "same number of components",
    ),
    ("value as a buffer", kernel(f"{X}, uint n [[buffer(1)]]"), "device or constant"),
    ("kernel named main", kernel(X, head="kernel void main"), "main"),
    ("undeclared", program("x[i] = foo;"), "undeclared"),
    ("semicolon", program("x[i] = 1"), "expected ';'"),
    ("16x16", program("simdgroup_matrix<float, 16, 16> m; simdgroup_load(m, x);"), ANY),
    ("matrix of int", program("simdgroup_matrix<int, 8, 8> m;"), "half, bfloat or float"),
    ("load of another type", program("simdgroup_float8x8 m; simdgroup_load(m, h);"), ANY),
    ("simd_sum of nothing", program("x[i] = simd_sum();"), ANY),
    (
        "function pointer",
        program("", "float g(float v) { return v; }\nvoid f() { float (*p)(float) = g; }\n"),
        "function pointers",
    ),
    (
        "stronger atomics",
        program("atomic_fetch_add_explicit((device atomic_uint *)x, 1u, memory_order_seq_cst);"),
        ANY,
    ),
    (
        "plain read of an atomic",
        program("device atomic_uint *a = (device atomic_uint *)x; uint v = *a; x[i] = v;"),
        ANY,
    ),
    ("vector cast", program("float4 v = (float4)half4(1.0h); x[i] = v.x;"), "C-style"),
    ("if constexpr", program("if constexpr (sizeof(int) == 4) x[i] = 1;"), "C++17"),
    (
        "structured binding",
        program("", "struct P { int a, b; };\nvoid f() { P p = {1, 2}; auto [a, b] = p; }\n"),
        ANY,
    ),
    (
        "method of a device object",
        program(
            "device S *s = (device S *)x; x[i] = s->f();",
            "struct S { float v; float f() const { return v; } };\n",
        ),
        ANY,
    ),
    ("static_assert", program('static_assert(sizeof(float) == 8, "no");'), "no"),
    ("#error", "#error stop\n" + program(""), "stop"),
    ("as_type", program("x[i] = as_type<float>(half(1));"), "sizes differ"),
    ("unknown function", program("x[i] = metal::fancy(x[i]);"), ANY),
    ("erf", program("x[i] = erf(x[i]);"), ANY),
    ("no using", "#include <metal_stdlib>\n" + KERNEL % "x[i] = sqrt(x[i]);", "undeclared"),
    (
        "33 KB",
        program("threadgroup float s[8448]; s[lane] = 1; x[i] = s[lane];"),
        "exceeds the limit of 32768",
    ),
]

# Name and source.
ACCEPTED = [
    ("empty", program("")),
    ("pointer to a local", program("float a[4]; thread float *p = a; p[1] = 2; x[i] = a[1];")),
    ("reference", program("float a = 1; f(a); x[i] = a;", "void f(thread float &p) { p = 2; }\n")),
    (
        "template over pointers",
        program(
            "x[i] = ld(h + i);",
            "template <typename T> float ld(device const T *p) { return float(*p); }\n",
        ),
    ),
    (
        "swizzles",
        program(
            "float4 v = float4(x[i]); v.xw = v.yz; v.rgb *= 2.0; float3 w = v.zyx;"
            "x[i] = dot(w, v.www) + float2(v.xy).y;"
        ),
    ),
    (
        "constructors",
        program(
            "float4 v = float4(float2(1.0, 2.0), 3, 4); half4 q = half4(v); uint3 u = uint3(v.xyz);"
            "x[i] = float(q.x) + float(u.z) + float4(h[0], h[1], 1, 2).x;"
        ),
    ),
    ("half and float", program("half a = h[i]; float b = a * 2.0f + 1.0; x[i] = half(b);")),
    ("bfloat", program("bfloat b = bfloat(x[i]); x[i] = float(b) + float(b * b);")),
    ("constant table", program("x[i] = t[i % 4];", "constant float t[4] = {1, 2, 3, 4};\n")),
    (
        "struct in a threadgroup array",
        program(
            "threadgroup S s[32]; s[lane].a = 1; threadgroup_barrier(mem_flags::mem_threadgroup);"
            "x[i] = s[31 - lane].a;",
            "struct S { float a; int b; };\n",
        ),
    ),
    (
        "threadgroup variables",
        program(
            "threadgroup float a[32][33], b[32]; threadgroup int c; a[lane][0] = b[lane] = 1;"
            "c = 2; x[i] = a[lane][0] + c;"
        ),
    ),
    ("unroll", program("#pragma unroll\nfor (int j = 0; j < 4; j++) x[i] += j;")),
    (
        "_Pragma",
        '#define U _Pragma("unroll")\n' + program("U for (int j = 0; j < 4; j++) x[i] += j;"),
    ),
    ("equal types", program("x[i] = max(x[i], 0.0f) + max(0u, i) + clamp(x[i], 0.0f, 1.0f);")),
    (
        "select and any",
        program(
            "float4 v = float4(x[i]); v = select(v, float4(0.0), v < 1.0);"
            "x[i] = any(v > 2.0) ? 1.0 : v.x;"
        ),
    ),
    ("scalar alias", program("T v = T(1.5); x[i] = v;", "typedef float T;\n")),
    ("vector alias", program("V v = V(1.5); x[i] = v.x;", "using V = vec<float, 4>;\n")),
    (
        "template class",
        program(
            "x[i] = A<float, 4>::f(float4(1.0));",
            "template <typename T, int N> struct A { static T f(vec<T, N> v) {"
            " T s = 0; for (int j = 0; j < N; j++) s += v[j]; return s; } };\n",
        ),
    ),
    ("choice of pointers", program("device float *p = i > 3 ? x : x + 1; *p = 1;")),
    (
        "enum and switch",
        program(
            "switch (n) { case A: x[i] = 1; break; default: x[i] = 2; }", "enum E { A = 1, B };\n"
        ),
    ),
    (
        "simd of half and uint",
        program("x[i] = simd_max(h[i]) + float(simd_sum(i)) + float(simd_any(i > 3));"),
    ),
    (
        "maths",
        program(
            "x[i] = tanh(x[i]) + pow(x[i], 2.0f) + exp2(x[i]) + fast::exp(x[i]) + rsqrt(x[i])"
            "+ precise::sqrt(x[i]) + fma(x[i], x[i], x[i]) + my_erf(x[i]);",
            "float my_erf(float v) { return v; }\n",
        ),
    ),
    (
        "metal::",
        "#include <metal_stdlib>\n"
        + KERNEL % "metal::float4 v = metal::float4(x[i]); x[i] = metal::dot(v, v);",
    ),
    ("const after the type", program("float const device *p = x; x[i] = p[0];")),
    (
        "atomic_float",
        program(
            "device atomic_float *a = (device atomic_float *)x;"
            "atomic_fetch_add_explicit(a, 1.0f, memory_order_relaxed);"
        ),
    ),
    (
        "most threads",
        kernel(X, head="[[max_total_threads_per_threadgroup(256)]] kernel void k"),
    ),
    ("static constant", program("x[i] = kN;", "static constant constexpr const int kN = 4;\n")),
    (
        "optional buffer",
        program("x[i] = 0;") + "\n" + "constant bool c [[function_constant(0)]];\n"
        "kernel void k2(device float *x [[buffer(0)]],"
        " device const float *b [[buffer(1), function_constant(c)]],"
        " uint i [[thread_position_in_grid]]) { x[i] = c ? b[i] : 0.0; }\n",
    ),
    (
        "members of a constant struct",
        kernel(f"{X}, constant Args &args [[buffer(1)]]", "x[args.n] = args.s;"),
    ),
    ("a product of types' names", program("uint size = 4; x[i] = float(size * n);")),
    (
        "threadgroup pointers",
        program("threadgroup float s[64]; threadgroup float *p = s + lane; *p = 1; x[i] = *p;"),
    ),
    ("hexadecimal and exponents", program("x[i] = 0x10 + 1e-3 + 2.5e2f + 1e1h;")),
]
