//! Pickles, whole and hostile.

use proptest::prelude::*;

use super::super::tests::{array, array_of, batch, batch_parts, dict, list, pickle, pixels, text};
use super::*;
use crate::workload::staging::batch::Batch;

/// What a batch has: names, labels and the rows that were handed out.
type Contents = (Vec<Vec<u8>>, Vec<u8>, Vec<Vec<u8>>);

fn contents(bytes: &[u8]) -> Result<Contents, PickleError> {
    let mut rows = vec![];
    let (heap, value) = read(bytes, &mut |index, row| {
        assert_eq!(index, rows.len());
        rows.push(row.to_vec());
        Ok(())
    })
    .map_err(|(_, error)| error)?;
    let batch = Batch::new(&heap, value)?;
    Ok((batch.names.iter().map(|name| name.to_vec()).collect(), batch.labels, rows))
}

fn refusal(bytes: &[u8]) -> String {
    contents(bytes).unwrap_err().to_string()
}

/// A batch of two pictures with one part replaced.
fn replacing(key: &str, value: Vec<u8>) -> Vec<u8> {
    let parts = batch_parts(&[("a.png", 1), ("b.png", 99)]);
    pickle(&dict(parts.into_iter().map(|(name, old)| (name, if name == key { value.clone() } else { old }))))
}

#[test]
fn nothing_is_called_but_by_name() {
    for (module, name) in
        [("os", "system"), ("builtins", "eval"), ("__builtin__", "eval"), ("numpy", "load"), ("_codecs", "decode")]
    {
        let call = pickle(format!("c{module}\n{name}\n(U\x04truetR").as_bytes());
        assert!(refusal(&call).contains(&format!("names `{module}.{name}`")), "{}", refusal(&call));
        let stack = [
            b"\x80\x04\x8c",
            &[module.len() as u8][..],
            module.as_bytes(),
            b"\x8c",
            &[name.len() as u8],
            name.as_bytes(),
            b"\x93.",
        ];
        assert!(refusal(&stack.concat()).contains(&format!("names `{module}.{name}`")));
    }
    assert!(refusal(b"\x80\x02cos\x1b[31m\nx\n.").contains("os\\x1b[31m.x"), "escaped for the terminal");
    assert!(refusal(&[b"\x80\x02c", &[b'a'; 1000][..], b"\n"].concat()).contains("aaa…"));
    // A listed callable with arguments of another meaning.
    assert!(refusal(b"\x80\x02c_codecs\nencode\n(U\x01aU\x05utf-8tR.").contains("another encoding"));
    assert!(refusal(b"\x80\x02cnumpy\nndarray\n(K\x01tR.").contains("unusual arguments"));
    assert!(
        refusal(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nK\x00K\x00tR.").contains("unusual arguments")
    );
    assert!(refusal(b"\x80\x02U\x01a)R.").contains("calls what is no callable"));
}

#[test]
fn opcodes_that_data_does_not_need_are_refused() {
    let known = b".N\x88\x89KMJ\x8aUTCB\x8e\x96\x8cX\x8d(]})\x85\x86\x87taesuqr\x94hjc\x93Rb\x80\x95";
    for opcode in (0..=255_u8).filter(|opcode| !known.contains(opcode)) {
        assert!(
            matches!(contents(&[0x80, 2, opcode, 0, 0]), Err(PickleError::Opcode(found)) if found == opcode),
            "{opcode:#04x}"
        );
    }
    assert!(refusal(b"\x80\x06.").contains("protocol is 6"));
    assert!(refusal(b"\x80\x01.").contains("protocol is 1"));
}

#[test]
fn broken_programs_are_refused() {
    let broken: [(&[u8], &str); 12] = [
        (b"\x80\x02.", "more or less than one value"),
        (b"\x80\x02NN.", "more or less than one value"),
        (b"\x80\x02(N.", "more or less than one value"),
        (b"\x80\x02t.", "mark is missing"),
        (b"\x80\x02N(\x85.", "stack is empty"),
        (b"\x80\x02N(q\x00.", "stack is empty"),
        (b"\x80\x02Na.", "stack is empty"),
        (b"\x80\x02NNa.", "no list"),
        (b"\x80\x02}(Nu.", "no value"),
        (b"\x80\x02h\x00.", "never kept"),
        (b"\x80\x02T\xff\xff\xff\xff.", "negative"),
        (b"\x80\x02\x8a\x09", "more than 64 bits"),
    ];
    for (bytes, reason) in broken {
        assert!(refusal(bytes).contains(reason), "{}: {}", bytes.escape_ascii(), refusal(bytes));
    }
    assert!(refusal(b"\x80\x04X\x01\0\0\0\xff.").contains("no UTF-8"));
}

#[test]
fn what_would_fill_memory_is_refused() {
    let many = |opcodes: &[u8], count: usize| pickle(&opcodes.repeat(count));
    assert!(refusal(&many(b"]", MAX_VALUES + 1)).contains("more values"));
    assert!(refusal(&many(b"(", MAX_MARKS + 1)).contains("more levels"));
    assert!(refusal(&many(b"N\x85", MAX_VALUES)).contains("more values"));
    let texts = [b"T\xff\x0b\0\0".to_vec(), vec![b'a'; 3071]].concat();
    assert!(refusal(&many(&texts, MAX_TEXT / 3071 + 1)).contains("more bytes of text"));
    let memo: Vec<u8> = (0..=MAX_VALUES as u32).flat_map(|index| [&b"r"[..], &index.to_le_bytes()].concat()).collect();
    assert!(refusal(&pickle(&[b"N".to_vec(), memo].concat())).contains("more memo entries"));
    assert!(refusal(&many(b"\x80\x02", MAX_OPCODES)).contains("more opcodes"));
    // Announced lengths reserve nothing.
    for header in [&b"\x8e\0\0\0\0\0\0\0\x40"[..], b"\x8d\0\0\0\0\0\0\0\x0c", b"\x96\0\0\0\0\0\0\0\x03", b"B\0\xf4\xff\xff"] {
        let refusal = refusal(&[b"\x80\x04", header].concat());
        assert!(refusal.contains("truncated") || refusal.contains("whole number of rows"), "{refusal}");
    }
}

#[test]
fn arrays_that_are_no_pictures_are_refused() {
    let data = [pixels(0), pixels(1)].concat();
    let refused = |array: Vec<u8>| refusal(&replacing("data", array));
    assert!(contents(&replacing("data", array(&data))).is_ok());
    assert!(refused(array_of((2, ROW), "f4", false, &data)).contains("type `f4`, not uint8"));
    assert!(refused(array_of((2, ROW), "u1", true, &data)).contains("column by column"));
    assert!(refused(array_of((1, 2 * ROW), "u1", false, &data)).contains("shape is not (2, 3072)"));
    assert!(refused(array_of((3, ROW), "u1", false, &data)).contains("shape is not (2, 3072)"));
    assert!(refused(array_of((2, ROW), "u1", false, &data[1..])).contains("whole number of rows"));
    assert!(refused(array_of((0, ROW), "u1", false, b"")).contains("less than one row"));
    assert!(refused(text(&data)).contains("`data` is no array"));
    assert!(refused([array(&data), b"0".to_vec()].concat()).contains("opcode 0x30"));
    assert!(refusal(&replacing("batch_label", array(&data))).contains("second array"));
    assert!(refusal(&replacing("batch_label", text(&data))).contains("second array, or a long text"));
}

#[test]
fn batches_of_another_form_are_refused() {
    let names = |names: &[&str]| list(names.iter().map(|name| text(name.as_bytes())));
    assert!(refusal(&replacing("filenames", names(&["a.png"]))).contains("2 pictures, but 1 file names and 2 labels"));
    assert!(refusal(&replacing("fine_labels", list([b"K\x01".to_vec()]))).contains("2 pictures, but 2 file names and 1 labels"));
    assert!(refusal(&replacing("filenames", list([b"N".to_vec(), b"N".to_vec()]))).contains("`filenames` is no text"));
    assert!(refusal(&replacing("fine_labels", list([b"K\x01".to_vec(), b"K\x64".to_vec()]))).contains("from 0 to 99"));
    assert!(
        refusal(&replacing("fine_labels", list([b"K\x01".to_vec(), b"J\xff\xff\xff\xff".to_vec()]))).contains("from 0 to 99")
    );
    assert!(refusal(&replacing("fine_labels", b"N".to_vec())).contains("`fine_labels` is no list"));
    assert!(refusal(&pickle(b"]")).contains("no dictionary"));
    let mut parts = batch_parts(&[("a.png", 1)]);
    let label = parts.remove(2);
    assert!(refusal(&pickle(&dict(parts.clone()))).contains("has no `fine_labels`"));
    parts.extend([label.clone(), label]);
    assert!(refusal(&pickle(&dict(parts))).contains("has `fine_labels` twice"));
}

#[test]
fn numbers_of_each_form_are_read() {
    let number = |bytes: &[u8]| match read([b"\x80\x02", bytes, b"."].concat().as_slice(), &mut |_, _| Ok(())) {
        Ok((_, Value::Int(number))) => number,
        other => panic!("{other:?}"),
    };
    assert_eq!(number(b"K\xff"), 255);
    assert_eq!(number(b"M\x00\x0c"), 3072);
    assert_eq!(number(b"J\xfe\xff\xff\xff"), -2);
    assert_eq!(number(b"\x8a\x00"), 0);
    assert_eq!(number(b"\x8a\x01\xff"), -1);
    assert_eq!(number(b"\x8a\x02\x00\x0c"), 3072);
    assert_eq!(number(b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), i64::MAX);
}

#[test]
fn what_takes_the_rows_can_stop_it() {
    let bytes = batch(&[("a.png", 1), ("b.png", 2)]);
    let mut count = 0;
    let stopped = read(bytes.as_slice(), &mut |_, _| {
        count += 1;
        Err(StagingError::To("stop".into()))
    });
    assert!(matches!(stopped, Err((_, PickleError::Rows(_)))) && count == 1);
}

/// A batch as CIFAR has it, from two to a few pictures.
fn batches() -> impl Strategy<Value = Vec<(String, u8)>> {
    prop::collection::vec(("[a-z_]{1,300}\\.png", 0_u8..100), 1..5)
}

fn written(entries: &[(String, u8)], order: usize) -> Vec<u8> {
    let entries: Vec<_> = entries.iter().map(|(name, label)| (name.as_str(), *label)).collect();
    let mut parts = batch_parts(&entries);
    parts.rotate_left(order);
    pickle(&dict(parts))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_is_read_as_it_was_written(entries in batches(), order in 0_usize..5) {
        let (names, labels, rows) = contents(&written(&entries, order)).unwrap();
        prop_assert_eq!(names, entries.iter().map(|(name, _)| name.clone().into_bytes()).collect::<Vec<_>>());
        prop_assert_eq!(labels, entries.iter().map(|(_, label)| *label).collect::<Vec<_>>());
        prop_assert_eq!(rows, (0..entries.len()).map(pixels).collect::<Vec<_>>());
    }

    #[test]
    fn a_cut_anywhere_is_truncation(entries in batches(), order in 0_usize..5, place in 0.0..1.0) {
        let bytes = written(&entries, order);
        let cut = &bytes[..(bytes.len() as f64 * place) as usize];
        prop_assert!(matches!(contents(cut), Err(PickleError::Truncated)));
    }

    #[test]
    fn a_changed_byte_never_panics(entries in batches(), place in 0.0..1.0_f64, byte: u8) {
        let mut bytes = written(&entries, 0);
        // Mostly outside the pixels, which are the last and longest part and free to change.
        let index = (bytes.len() as f64 * place.powi(4)) as usize;
        bytes[index] = byte;
        let _ = contents(&bytes);
    }

    #[test]
    fn bytes_at_random_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = contents(&[b"\x80\x04", bytes.as_slice()].concat());
    }

    #[test]
    fn opcodes_at_random_never_panic(opcodes in prop::collection::vec(prop::sample::select(&b"N\x88K\x01U\x01(]})\x85\x86\x87taesuq\x00h\x00\x94c\x93Rb."[..]), 0..200)) {
        let _ = contents(&opcodes);
    }

    /// Pixels as Python 3 writes them for Python 2: a text whose characters are the bytes.
    #[test]
    fn encoded_pixels_are_decoded(bytes in prop::collection::vec(any::<u8>(), 2 * ROW)) {
        let encoded: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let length = u32::try_from(encoded.len()).unwrap().to_le_bytes();
        let pickled = [b"\x80\x02c_codecs\nencode\n(X", &length[..], encoded.as_bytes(), b"X\x06\0\0\0latin1tR."].concat();
        let mut rows = vec![];
        let (_, value) = read(pickled.as_slice(), &mut |_, row| { rows.extend(*row); Ok(()) }).unwrap();
        prop_assert_eq!(value, Value::Pixels { rows: 2, encoded: false });
        prop_assert_eq!(rows, bytes);
    }
}
