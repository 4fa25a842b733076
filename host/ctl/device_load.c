/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/device.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>

/* Programs into a device, alone or beside the one that runs. */

enum { CTRL_RUN = 1, CTRL_BANK_SHIFT = 1, BANK_SHIFT = 16, POLLS_MAX = 1 << 20 };

/* Rows that a packet may issue of a program with loops: all that the register holds, which takes
 * more than two minutes at 250 MHz, a row in eight clocks. */
#define LOOP_ROWS UINT32_MAX

static int write32(struct dev *dev, uint32_t addr, uint32_t value)
{
    return dev->ops->write32(dev, addr, value);
}

static int load_row(struct dev *dev, uint32_t bank, uint32_t row,
                    const uint32_t words[UCODE_ROW_WORDS])
{
    int err = write32(dev, SPEC_CSR_PROG_ROW, bank << BANK_SHIFT | row);

    if (!err)
        err = dev->ops->write_words(dev, SPEC_CSR_PROG_WORD, words, UCODE_ROW_WORDS);
    return err ? err : write32(dev, SPEC_CSR_PROG_COMMIT, 1);
}

/* 0, or -ENXIO if a map is to lie in external memory and the device has none. */
static int check_memory(struct dev *dev, const struct ucode_image *image)
{
    uint32_t lines = 0;
    bool external = false;
    int err;

    for (uint32_t i = 0; i < image->map_count; i++)
        external |= ucode_map_external(image, i) || ucode_map_keys_external(image, i);
    err = external ? dev->ops->read32(dev, SPEC_CSR_EXT_LINES, &lines) : 0;
    return err ? err : external && !lines ? -ENXIO : 0;
}

/* Without a branch backwards a packet issues each row once at most. */
static uint32_t row_limit(const struct ucode_image *image)
{
    for (uint32_t r = 0; r < image->row_count; r++)
        for (uint32_t s = 0; s < SPEC_LANES; s++)
            if (image->rows[r].slots[s].br && image->rows[r].slots[s].tgt <= r)
                return LOOP_ROWS;
    return image->row_count;
}

static int load_maps(struct dev *dev, const struct device_load *load)
{
    const struct ucode_image *image = load->image;
    int err = 0;

    for (uint32_t i = 0; i < image->map_count && !err; i++) {
        const uint32_t engine = image->mapdesc[i][SPEC_MAPDESC_ENGINE];

        if (!engine || load->stay >> i & 1)
            continue;
        err = device_map_config(dev, i, image->mapdesc[i]);
        if (!err && engine == SPEC_ENGINE_VMEM && load->map_bytes)
            err = device_map_clear(dev, i, load->map_bytes[i]);
    }
    return err;
}

int device_load_microcode(struct dev *dev, const struct device_load *load)
{
    const struct ucode_image *image = load->image;
    int err = check_memory(dev, image);

    if (!err && !load->beside)
        err = write32(dev, SPEC_CSR_CTRL, 0);
    for (uint32_t i = 0; i < image->row_count && !err; i++)
        err = load_row(dev, load->bank, i, image->words[i]);
    if (!err)
        err = load_maps(dev, load);
    if (!err)
        err = write32(dev, SPEC_CSR_ROW_LIMIT + 4 * load->bank, row_limit(image));
    if (err || load->beside)
        return err;
    err = write32(dev, SPEC_CSR_PROG_HEADROOM, image->headroom_bytes);
    return err ? err : write32(dev, SPEC_CSR_TOKENS, image->tokens);
}

int device_start(struct dev *dev)
{
    return write32(dev, SPEC_CSR_CTRL, CTRL_RUN);
}

/* Registers of a device that is gone are all ones; ID is not. */
static bool is_gone(struct dev *dev)
{
    uint32_t id = 0;

    return dev->ops->read32(dev, SPEC_CSR_ID, &id) || id == UINT32_MAX;
}

/* Waits until the packets that are inside now have left. */
static int wait_left(struct dev *dev)
{
    uint32_t in, out;
    int err = dev->ops->read32(dev, SPEC_CSR_COUNT_IN, &in);

    for (uint32_t i = 0; !err; i++) {
        err = dev->ops->read32(dev, SPEC_CSR_COUNT_OUT, &out);
        if (!err && in == UINT32_MAX && out == UINT32_MAX && is_gone(dev))
            return -ENODEV;
        if (!err && (int32_t)(out - in) >= 0)
            return 0;
        if (!err && i == POLLS_MAX)
            err = -ETIMEDOUT;
    }
    return err;
}

/* Each packet needs the headroom of its own program at least. */
int device_switch(struct dev *dev, const struct device_load *load)
{
    const uint32_t before = load->beside->headroom_bytes, after = load->image->headroom_bytes;
    uint32_t ctrl;
    int err = dev->ops->read32(dev, SPEC_CSR_CTRL, &ctrl);

    if (!err && after > before)
        err = write32(dev, SPEC_CSR_PROG_HEADROOM, after);
    if (!err)
        err = write32(dev, SPEC_CSR_CTRL, (ctrl & CTRL_RUN) | load->bank << CTRL_BANK_SHIFT);
    if (!err && after < before)
        err = write32(dev, SPEC_CSR_PROG_HEADROOM, after);
    if (!err)
        err = write32(dev, SPEC_CSR_TOKENS, load->image->tokens);
    return err ? err : wait_left(dev);
}
