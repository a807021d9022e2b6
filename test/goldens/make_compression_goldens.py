"""The vectors of test/genki/federation/compression, from the docstrings alone; plain Python 3, no packages.

The generator is xoshiro128** (Blackman and Vigna) as genki/protocol/random.ts says; the coder keeps its lower end as one long
integer, so it has no carry.
"""
import hashlib
import struct

M = 2**32 - 1


class Random:
    def __init__(self, seed):
        self.s = list(struct.unpack('<4I', hashlib.blake2b(seed.encode(), digest_size=32).digest()[:16]))

    def next(self):
        s = self.s
        rotl = lambda x, k: ((x << k) | (x >> (32 - k))) & M
        result = rotl(s[1] * 5 & M, 7) * 9 & M
        t = s[1] << 9 & M
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 11)
        return result

    def int(self, n):
        while True:
            x = self.next()
            if x < 2**32 - 2**32 % n:
                return x % n


def different_ones(random, size, n):
    drawn = set()
    for j in range(size - n, size):
        one = random.int(j + 1)
        drawn.add(j if one in drawn else one)
    return sorted(drawn)


def slice_indices(sizes, compression, block_hash):
    random, offset, out = Random('genki-slice-v1:' + block_hash), 0, []
    for size in sizes:
        out += [offset + i for i in different_ones(random, size, max(1, size // compression))]
        offset += size
    return out


def sha(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


def merkle_root(values):
    leaves = [sha(b'genki-update-v1:leaf:', struct.pack('<QQ', len(values), at // 32), struct.pack(f'<{len(values[at:at + 32])}f', *values[at:at + 32])) for at in range(0, len(values), 32)]

    def root(hashes):
        if len(hashes) == 1:
            return hashes[0]
        left = 1
        while 2 * left < len(hashes):
            left *= 2
        return sha(b'genki-update-v1:node:', root(hashes[:left]), root(hashes[left:]))
    return root(leaves).hex()


def arithmetic_code(bits):
    """Of (context, bit): the bytes."""
    counts, low, span, shifts = {}, 0, 2**32, 0
    for context, bit in bits:
        zeros, ones = counts.setdefault(context, [1, 1])
        zero = span // (zeros + ones) * zeros
        low, span = (low + zero, span - zero) if bit else (low, zero)
        counts[context][bit] += 2
        if sum(counts[context]) > 2**16:
            counts[context] = [c // 2 | 1 for c in counts[context]]
        while span < 2**24:
            low, span, shifts = low * 256, span * 256, shifts + 1
    top = -(-low // 2**24)  # up to a multiple of 2^24
    return top.to_bytes(shifts + 1, 'big').rstrip(b'\0')


def bits_of(n, seed):
    """A long biased sequence in three contexts, which halves counts and carries."""
    random, out = Random(seed), []
    for _ in range(n):
        context = random.int(3)
        out.append((context, int(random.int(1000) < [3, 500, 995][context])))
    return out


print('slice', slice_indices([1000, 250, 50], 100, '0x' + '11' * 32))
print('audit', different_ones(Random('genki-audit-v1:' + '22' * 32 + ':' + hashlib.sha256(struct.pack('<450f', *range(450))).hexdigest()), 450, 8))
print('root 1', merkle_root([0.5]))
print('root 100', merkle_root([i / 4 for i in range(100)]))
print('code 12', arithmetic_code([(0, 1), (0, 1), (1, 0), (0, 1), (1, 0), (0, 0), (1, 1), (0, 1), (0, 1), (0, 1), (1, 0), (1, 0)]).hex())
print('code 40', arithmetic_code(bits_of(40, 'bits')).hex())
long = arithmetic_code(bits_of(200_000, 'bits'))
print('code 200000', len(long), hashlib.sha256(long).hexdigest())
