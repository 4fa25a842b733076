/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/outfile.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files that appear whole or not at all. Each test has an empty folder and stands in it. */

static char folder[64];

static int enter_folder(void **state)
{
    (void)state;
    strcpy(folder, "test_outfile.XXXXXX");
    return !mkdtemp(folder) || chdir(folder);
}

/* Everything that is left is removed; the number of entries is what a test expects. */
static int entries(bool removed)
{
    DIR *d = opendir(".");
    struct dirent *e;
    int n = 0;

    assert_non_null(d);
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
            n++;
            if (removed && unlink(e->d_name))
                rmdir(e->d_name);
        }
    closedir(d);
    return n;
}

static int leave_folder(void **state)
{
    (void)state;
    entries(true);
    return chdir("..") || rmdir(folder);
}

static void put(const char *path, const char *text)
{
    struct outfile out;

    assert_int_equal(outfile_open(path, &out), 0);
    assert_true(fputs(text, out.file) >= 0);
    assert_int_equal(outfile_close(&out, true), 0);
    assert_null(out.temporary);
}

static void expect(const char *path, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof(got) - 1, f), strlen(text));
    fclose(f);
    assert_string_equal(got, text);
}

static void test_outfile_appears_only_when_closed(void **state)
{
    struct outfile out;

    (void)state;
    assert_int_equal(outfile_open("x", &out), 0);
    fputs("new", out.file);
    assert_int_equal(outfile_finish(&out), 0);
    assert_int_equal(access("x", F_OK), -1);
    assert_int_equal(outfile_close(&out, true), 0);
    expect("x", "new");
    assert_int_equal(entries(false), 1);
}

static void test_outfile_without_commit_leaves_what_was(void **state)
{
    struct outfile out;

    (void)state;
    put("x", "old");
    assert_int_equal(outfile_open("x", &out), 0);
    fputs("new", out.file);
    assert_int_equal(outfile_close(&out, false), 0);
    expect("x", "old");
    assert_int_equal(entries(false), 1);
}

static void test_outfile_link_leads_to_its_target(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(mkdir("d", 0777), 0);
    assert_int_equal(symlink("d/two", "one"), 0);
    assert_int_equal(symlink("three", "d/two"), 0); /* d/three is not there */
    put("one", "through");
    expect("d/three", "through");
    put("one", "again");
    expect("d/three", "again");
    assert_int_equal(lstat("one", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(lstat("d/two", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    unlink("d/two");
    unlink("d/three");
}

static void test_outfile_links_in_a_circle_or_to_nowhere_refused(void **state)
{
    struct outfile out;

    (void)state;
    assert_int_equal(symlink("b", "a"), 0);
    assert_int_equal(symlink("a", "b"), 0);
    assert_int_equal(symlink("no/such/folder/x", "c"), 0);
    assert_int_equal(outfile_open("a", &out), -ELOOP);
    assert_int_equal(outfile_open("c", &out), -ENOENT);
    assert_int_equal(outfile_open("no/x", &out), -ENOENT);
    assert_int_equal(outfile_open("", &out), -ENOENT);
    assert_int_equal(outfile_open(".", &out), -EISDIR);
    assert_null(out.file);
    assert_int_equal(entries(false), 3);
}

static void test_outfile_mode_of_a_replaced_file_stays(void **state)
{
    const mode_t mask = umask(027);
    struct stat st;

    (void)state;
    put("x", "old");
    assert_int_equal(stat("x", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(chmod("x", 0604), 0);
    put("x", "new");
    assert_int_equal(stat("x", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0604);
    umask(mask);
}

static void test_outfile_file_that_may_not_be_written_refused(void **state)
{
    struct outfile out;

    (void)state;
    put("x", "old");
    assert_int_equal(chmod("x", 0444), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(outfile_open("x", &out), -EACCES);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    expect("x", "old");
}

static void test_outfile_longest_name_taken(void **state)
{
    char name[256];

    (void)state;
    memset(name, 'n', 255);
    name[255] = 0;
    put(name, "long");
    expect(name, "long");
}

static void test_outfile_full_disk_is_an_error_and_leaves_nothing(void **state)
{
    const struct rlimit small = {1000, RLIM_INFINITY};
    struct rlimit before;
    struct outfile out;
    int err;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(outfile_open("x", &out), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 300; i++)
        fputs("ten bytes.", out.file);
    err = outfile_close(&out, true);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, -EFBIG);
    assert_int_equal(entries(false), 0);
}

static void test_outfile_zeroed_is_closed_quietly(void **state)
{
    struct outfile out = {0};

    (void)state;
    assert_int_equal(outfile_finish(&out), 0);
    assert_int_equal(outfile_close(&out, true), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_outfile_appears_only_when_closed),
        IN_FOLDER(test_outfile_without_commit_leaves_what_was),
        IN_FOLDER(test_outfile_link_leads_to_its_target),
        IN_FOLDER(test_outfile_links_in_a_circle_or_to_nowhere_refused),
        IN_FOLDER(test_outfile_mode_of_a_replaced_file_stays),
        IN_FOLDER(test_outfile_file_that_may_not_be_written_refused),
        IN_FOLDER(test_outfile_longest_name_taken),
        IN_FOLDER(test_outfile_full_disk_is_an_error_and_leaves_nothing),
        IN_FOLDER(test_outfile_zeroed_is_closed_quietly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
