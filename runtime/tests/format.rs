//! What compiler/schedule/FORMAT.md says of TFHE artifacts is true: a reader by the page finds the parts.
#![cfg(feature = "tfhe")]

mod common;

#[test]
fn a_tfhe_artifact_is_laid_out_as_the_page_says() {
    let artifact = common::tfhe::artifact(3);
    let file = artifact.to_bytes().unwrap();
    assert_eq!(&file[..8], b"\x89HMTFH\r\n");
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(number(8), 1, "the version");
    let (head, rest) = file[16..].split_at(number(12));
    let (schedule, sum) = rest.split_at(rest.len() - 32);
    assert_eq!(blake3::hash(&file[..file.len() - 32]).as_bytes(), sum);
    let head: serde_json::Value = serde_json::from_slice(head).unwrap();
    let keys: Vec<&String> = head.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["encoding", "manifest"]);
    // A safetensors file: the length of its own head, then that.
    let length = u64::from_le_bytes(schedule[..8].try_into().unwrap()) as usize;
    let tensors: serde_json::Value = serde_json::from_slice(&schedule[8..8 + length]).unwrap();
    let text = tensors["__metadata__"]["hemet-tfhe-schedule"]
        .as_str()
        .unwrap();
    assert_eq!(
        text,
        hemet_schedule::tfhe::print(artifact.schedule.schedule())
    );
}
