/*
 * dpdk-fib.c - DPDK's rte_lpm and rte_fib as peers of the FIB benchmark. Takes a command a line on stdin and answers
 * each with a line of JSON, as contestant.ts does.
 *
 *   dpdk-fib lpm|fib TABLE TRACE...   int32 files in host order: prefix, length, value triples; addresses
 *   build      builds the table: {ns, bytes}
 *   one I N    looks the first N addresses of trace I up one by one: {ns, cpuNs, sum}, the sum of all answers as uint32
 *   batch I N  the same in batches of 64
 *   alone I N  the same, each lookup waiting for the answer before it
 *
 * rte_lpm_add searches all rules of the same length for a duplicate: 900,000 prefixes take minutes. Lookups do not
 * read the rules, so the two tables that they do read are filled here, as rte_lpm_add would leave them, and building is
 * not timed. rte_fib looks up in batches only. Churn is not timed: rte_fib 22.11 runs out of blocks when prefixes longer
 * than 24 bits go and come again.
 *
 * Build: cc -O3 -march=native dpdk-fib.c -o dpdk-fib $(pkg-config --cflags --libs libdpdk)
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_lpm.h>

#define BULK 64

struct words { int32_t *at; size_t count; };

static struct words table, traces[8];
static size_t prefixes;
static struct rte_lpm *lpm;
static struct rte_fib *fib;
static uint64_t no_route;

static struct words slurp(const char *path)
{
	struct words words = { 0 };
	FILE *file = fopen(path, "rb");
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(file);
	words.count = size / sizeof(int32_t);
	words.at = malloc(size + 1);
	if (words.at == NULL || fread(words.at, sizeof(int32_t), words.count, file) != words.count) {
		perror(path);
		exit(1);
	}
	fclose(file);
	return words;
}

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "dpdk-fib: %s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

/* Blocks of 256 entries that prefixes longer than 24 bits need. */
static uint32_t long_blocks(void)
{
	uint32_t blocks = 1;
	int32_t last = 0;

	for (size_t i = 0; i < prefixes; i++) {
		const int32_t *entry = &table.at[i * 3];

		if (entry[1] > 24 && (blocks == 1 || entry[0] >> 8 != last)) {
			last = entry[0] >> 8;
			blocks++;
		}
	}
	return blocks;
}

/* Fills the entries of one table that `entry` covers, from `first` on. */
static void paint(struct rte_lpm_tbl_entry *at, uint32_t first, uint32_t count, const int32_t *entry)
{
	for (uint32_t i = first; i < first + count; i++)
		at[i] = (struct rte_lpm_tbl_entry){ .next_hop = entry[2], .valid = 1, .valid_group = at == lpm->tbl8, .depth = entry[1] };
}

/* Paints the prefixes of one length; those shorter are there. */
static uint32_t paint_length(int length, uint32_t blocks)
{
	for (size_t i = 0; i < prefixes; i++) {
		const int32_t *entry = &table.at[i * 3];
		const uint32_t prefix = entry[0];
		struct rte_lpm_tbl_entry *wide = &lpm->tbl24[prefix >> 8];

		if (entry[1] != length)
			continue;
		if (length <= 24) {
			paint(lpm->tbl24, prefix >> 8, 1u << (24 - length), entry);
			continue;
		}
		if (!wide->valid_group) {
			struct rte_lpm_tbl_entry cover = *wide;

			cover.valid_group = 1;
			for (int j = 0; j < 256; j++)
				lpm->tbl8[blocks * 256 + j] = cover;
			*wide = (struct rte_lpm_tbl_entry){ .next_hop = blocks++, .valid = 1, .valid_group = 1 };
		}
		paint(lpm->tbl8, wide->next_hop * 256 + (prefix & 255), 1u << (32 - length), entry);
	}
	return blocks;
}

static void fill_lpm(void)
{
	uint32_t blocks = 0;

	for (int length = 0; length <= 32; length++)
		blocks = paint_length(length, blocks);
}

/* A value needs a bit for "extended" beside it in an entry of the table. */
static enum rte_fib_dir24_8_nh_sz entry_size(void)
{
	int32_t most = 0;

	for (size_t i = 0; i < prefixes; i++)
		if (table.at[i * 3 + 2] > most)
			most = table.at[i * 3 + 2];
	return most < INT16_MAX ? RTE_FIB_DIR24_8_2B : RTE_FIB_DIR24_8_4B;
}

static void create(int is_lpm)
{
	if (is_lpm) {
		struct rte_lpm_config config = { .max_rules = prefixes + 1, .number_tbl8s = long_blocks() };

		lpm = rte_lpm_create("lpm", SOCKET_ID_ANY, &config);
		if (lpm == NULL)
			die("rte_lpm_create");
	} else {
		struct rte_fib_conf config = { .type = RTE_FIB_DIR24_8, .max_routes = 2 * prefixes };

		config.dir24_8.nh_sz = entry_size();
		config.dir24_8.num_tbl8 = long_blocks();
		no_route = config.default_nh = config.dir24_8.nh_sz == RTE_FIB_DIR24_8_2B ? INT16_MAX : INT32_MAX;
		fib = rte_fib_create("fib", SOCKET_ID_ANY, &config);
		if (fib == NULL)
			die("rte_fib_create");
	}
}

static void add_to_fib(void)
{
	for (size_t i = 0; i < prefixes; i++) {
		const int32_t *entry = &table.at[i * 3];

		if (rte_fib_add(fib, entry[0], entry[1], entry[2]) < 0)
			die("rte_fib_add");
	}
}

static uint32_t lpm_one(const int32_t *trace, size_t count)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t hop;

		sum += rte_lpm_lookup(lpm, trace[i], &hop) == 0 ? hop : UINT32_MAX;
	}
	return sum;
}

static uint32_t lpm_alone(const int32_t *trace, size_t count)
{
	const uint32_t none = count >> 31;
	uint32_t sum = 0, last = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t hop;

		last = rte_lpm_lookup(lpm, trace[i] ^ (last & none), &hop) == 0 ? hop : UINT32_MAX;
		sum += last;
	}
	return sum;
}

static uint32_t lpm_batch(const int32_t *trace, size_t count)
{
	uint32_t hops[BULK], sum = 0;

	for (size_t i = 0; i + BULK <= count; i += BULK) {
		rte_lpm_lookup_bulk(lpm, (const uint32_t *)&trace[i], hops, BULK);
		for (int j = 0; j < BULK; j++)
			sum += hops[j] & RTE_LPM_LOOKUP_SUCCESS ? hops[j] & 0xffffff : UINT32_MAX;
	}
	return sum;
}

static uint32_t fib_batch(const int32_t *trace, size_t count)
{
	uint64_t hops[BULK];
	uint32_t sum = 0;

	for (size_t i = 0; i + BULK <= count; i += BULK) {
		rte_fib_lookup_bulk(fib, (uint32_t *)&trace[i], hops, BULK);
		for (int j = 0; j < BULK; j++)
			sum += hops[j] == no_route ? UINT32_MAX : (uint32_t)hops[j];
	}
	return sum;
}

/* Memory in ordinary pages, as the other implementations have it; EAL pins the thread, which is undone. */
static void start_eal(char *name)
{
	char lcores[32];
	char *arguments[] = { name, "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "2048",
		"--lcores", lcores, "--log-level", "error" };
	cpu_set_t cpus;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	snprintf(lcores, sizeof(lcores), "0@%d", sched_getcpu());
	if (rte_eal_init(RTE_DIM(arguments), arguments) < 0)
		die("rte_eal_init");
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

typedef uint32_t (*lookups)(const int32_t *trace, size_t count);

static lookups loop_of(const char *verb, int is_lpm)
{
	if (strcmp(verb, "batch") == 0)
		return is_lpm ? lpm_batch : fib_batch;
	if (strcmp(verb, "one") == 0)
		return is_lpm ? lpm_one : NULL;
	if (strcmp(verb, "alone") == 0)
		return is_lpm ? lpm_alone : NULL;
	return NULL;
}

static void run(lookups loop, int trace, size_t count)
{
	uint64_t cpu = now(CLOCK_THREAD_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
	uint32_t sum = loop(traces[trace].at, count);

	wall = now(CLOCK_MONOTONIC) - wall;
	cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
	printf("{\"ns\": %" PRIu64 ", \"cpuNs\": %" PRIu64 ", \"sum\": %" PRIu32 "}\n", wall, cpu, sum);
}

static void build(int is_lpm)
{
	uint64_t start = now(CLOCK_MONOTONIC);

	create(is_lpm);
	if (is_lpm) {
		fill_lpm();
		printf("{\"bytes\": %zu}\n", (sizeof(*lpm->tbl24) << 24) + sizeof(*lpm->tbl8) * 256 * long_blocks());
	} else {
		add_to_fib();
		printf("{\"ns\": %" PRIu64 ", \"bytes\": %zu}\n", now(CLOCK_MONOTONIC) - start,
			((size_t)1 << (24 + entry_size())) + ((size_t)long_blocks() << (8 + entry_size())));
	}
}

int main(int argc, char **argv)
{
	char line[64], verb[16];
	int is_lpm, built = 0;

	if (argc < 4 || argc > 3 + (int)RTE_DIM(traces))
		return 2;
	is_lpm = strcmp(argv[1], "lpm") == 0;
	table = slurp(argv[2]);
	prefixes = table.count / 3;
	for (int i = 3; i < argc; i++)
		traces[i - 3] = slurp(argv[i]);
	start_eal(argv[0]);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		int trace = 0;
		size_t count = 0;

		if (sscanf(line, "%15s %d %zu", verb, &trace, &count) < 1 || trace < 0 || trace > argc - 4 || count > traces[trace].count)
			return 2;
		if (strcmp(verb, "build") == 0 && !built) {
			built = 1;
			build(is_lpm);
		} else if (loop_of(verb, is_lpm) != NULL) {
			run(loop_of(verb, is_lpm), trace, count);
		} else {
			puts("{}");
		}
		fflush(stdout);
	}
	return 0;
}
