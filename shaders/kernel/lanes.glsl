// The kernel's vocabulary in GLSL: four particles an invocation. The C++ twin is gst/particles/cpu/lanes.hpp.
#define Vec4 vec4
#define Uvec4 uvec4
#define F vec4
#define U uvec4
#define M bvec4
#define OUT(T) out T
#define INOUT(T) inout T
#define KERNEL
#ifndef RSQRT
#define RSQRT inversesqrt
#endif
#ifndef RSQRT_FAST
#define RSQRT_FAST inversesqrt
#endif

F select(M m, F yes, F no) { return mix(no, yes, m); }
M less(F a, F b) { return lessThan(a, b); }
M greater(F a, F b) { return greaterThan(a, b); }
M both(M a, M b) { return bvec4(uvec4(a) & uvec4(b)); }
// Through signed integers, which processors convert several times faster: x < 2^31 either way.
F to_f(U x) { return vec4(ivec4(x)); }
U to_u(F x) { return uvec4(ivec4(x)); }  // towards zero
U floor_bits(F x) { return uvec4(ivec4(floor(x))); }  // two's complement, for wrapping
F splat_f(float x) { return vec4(x); }
U splat_u(uint x) { return uvec4(x); }
F rsqrt_f(F x) { return RSQRT(x); }
F rsqrt_fast(F x) { return RSQRT_FAST(x); }  // 11 bits are enough
F sqrt_f(F x) { return sqrt(x); }
F abs_f(F x) { return abs(x); }
F floor_f(F x) { return floor(x); }
F min_f(F a, F b) { return min(a, b); }
F max_f(F a, F b) { return max(a, b); }
U select_u(M m, U yes, U no) { return mix(no, yes, m); }
