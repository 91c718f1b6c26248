package containerdnode

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// pauseImage is the image of the sandbox that holds a pod's network and, if the pod
// shares its processes, is their first.
const pauseImage = "fairlead.dev/pause:1"

// pauseCode is a program that ignores SIGCHLD, which has the kernel reap the orphans of
// the pod, and then sleeps for ever. It needs no SIGTERM: the first process of a
// namespace is not ended by a signal it does not handle, and containerd ends sandboxes
// with SIGKILL.
var pauseCode = map[string]struct {
	machine uint16
	code    []byte
}{
	// rt_sigaction(SIGCHLD, &{SIG_IGN}, NULL, 8); for (;;) pause();
	"amd64": {62, []byte{
		0xb8, 13, 0, 0, 0, // mov eax, rt_sigaction
		0xbf, 17, 0, 0, 0, // mov edi, SIGCHLD
		0x48, 0x8d, 0x35, 23, 0, 0, 0, // lea rsi, [rip+23], byte 40
		0x31, 0xd2, // xor edx, edx
		0x41, 0xba, 8, 0, 0, 0, // mov r10d, 8
		0x0f, 0x05, // syscall
		0xb8, 34, 0, 0, 0, // mov eax, pause
		0x0f, 0x05, // syscall
		0xeb, 0xf7, // jmp to the mov
		0, 0, 0, 0, // up to byte 40
	}},
	// rt_sigaction(SIGCHLD, &{SIG_IGN}, NULL, 8); for (;;) ppoll(NULL, 0, NULL, NULL, 0);
	"arm64": {183, words(
		0xd28010c8, // mov x8, rt_sigaction
		0xd2800220, // mov x0, SIGCHLD
		0x10000181, // adr x1, byte 56
		0xd2800002, // mov x2, 0
		0xd2800103, // mov x3, 8
		0xd4000001, // svc 0
		0xd2800928, // mov x8, ppoll
		0xd2800000, // mov x0, 0
		0xd2800001, // mov x1, 0
		0xd2800002, // mov x2, 0
		0xd2800003, // mov x3, 0
		0xd2800004, // mov x4, 0
		0xd4000001, // svc 0
		0x17fffff9, // b to the mov x8, ppoll
	)},
}

func words(w ...uint32) []byte {
	var out []byte
	for _, v := range w {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

// pauseProgram returns an ELF executable: one header, one segment, the code, and the
// kernel's struct sigaction with the handler SIG_IGN (1).
func pauseProgram(arch string) ([]byte, error) {
	p, ok := pauseCode[arch]
	if !ok {
		return nil, fmt.Errorf("making the pause program: none for %s", arch)
	}
	const base, headers = 0x400000, 64 + 56
	body := append(append([]byte{}, p.code...), append([]byte{1}, make([]byte, 31)...)...)
	size := uint64(headers + len(body))
	var b bytes.Buffer
	b.Write([]byte{0x7f, 'E', 'L', 'F', 2 /* 64 bit */, 1 /* little endian */, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	fields := []any{
		uint16(2) /* executable */, p.machine, uint32(1), uint64(base + headers) /* entry */, uint64(64), /* segments at */
		uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0),
		// The segment: loadable, readable and executable, the whole file.
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(0x1000),
	}
	for _, f := range fields {
		if err := binary.Write(&b, binary.LittleEndian, f); err != nil {
			return nil, fmt.Errorf("making the pause program: %w", err)
		}
	}
	b.Write(body)
	return b.Bytes(), nil
}

// pauseArchive returns the image as an OCI archive that containerd imports.
func pauseArchive(arch string) ([]byte, error) {
	program, err := pauseProgram(arch)
	if err != nil {
		return nil, err
	}
	img, err := newImage(arch, "/pause", tarFile{"pause", program, 0o755})
	if err != nil {
		return nil, err
	}
	return img.archive(pauseImage)
}
