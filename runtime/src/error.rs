//! The one error type of this crate.

use std::path::PathBuf;

use thiserror::Error;

/// Why a schedule, a file or a message was refused, or what failed while it was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// What a scheme's own crate refused.
    #[error("{0}")]
    Refused(String),
    /// An artifact that was refused.
    #[error(transparent)]
    Artifact(#[from] hemet_schedule::Error),
    /// A file of a scheme that this build was made without.
    #[error("{what} is of scheme {}, which this program was built without; use a program with it", scheme.name())]
    NoScheme {
        /// Which file.
        what: &'static str,
        /// The scheme of the file.
        scheme: hemet_schedule::Scheme,
    },
    /// A file of another scheme.
    #[error(
        "{what} is of scheme {theirs}, but scheme {ours} is in use here; use files made for one artifact"
    )]
    ForeignScheme {
        /// Which file.
        what: &'static str,
        /// The scheme of the file.
        theirs: &'static str,
        /// The scheme in use.
        ours: &'static str,
    },
    /// The image has another number of elements than the network's input.
    #[error(
        "the image has {got} elements, the network takes {expected} ({shape}); give an image of that size"
    )]
    ImageLength {
        /// Elements of the network's input.
        expected: usize,
        /// Its shape.
        shape: String,
        /// Elements that were given.
        got: usize,
    },
    /// An element of the input is not a finite number.
    #[error("element {index} of the input is {value}, it must be a finite number")]
    NotFinite {
        /// Position in channel-major order.
        index: usize,
        /// The number.
        value: f64,
    },
    /// An element of the input that the network was not compiled for.
    #[error(
        "element {index} of the input is {value}, this artifact takes {low} to {high}; {cause}"
    )]
    OutOfRange {
        /// Position in channel-major order.
        index: usize,
        /// The number.
        value: f64,
        /// The least that it may be.
        low: f64,
        /// The greatest that it may be.
        high: f64,
        /// The likely cause, and what to do.
        cause: &'static str,
    },
    /// An answer to another request.
    #[error("the answer is not to this request: {reason}; ask the server again with this request")]
    OtherRequest {
        /// Both requests.
        reason: String,
    },
    /// An answer that no honest server gives.
    #[error(
        "the answer is no result of this network: {reason}; do not use it, and ask the server again"
    )]
    Implausible {
        /// What is wrong, with the numbers.
        reason: String,
    },
    /// A secret under a passphrase, and none was given.
    #[error("{what} is under a passphrase, and none was given")]
    Locked {
        /// Which file.
        what: &'static str,
    },
    /// A passphrase that does not open a file.
    #[error(
        "the passphrase does not open this key, or the file has been altered; give the passphrase that it was made with"
    )]
    WrongPassphrase,
    /// A passphrase that cannot be used.
    #[error("this is no passphrase to use: {reason}")]
    Passphrase {
        /// What is wrong with it.
        reason: String,
    },
    /// A label that cannot stand in a key file.
    #[error("a label of {got} bytes: at most {most} are allowed, and no control characters")]
    Label {
        /// Its bytes.
        got: usize,
        /// The limit.
        most: usize,
    },
    /// An artifact or spec that nobody has signed, where a key is trusted.
    #[error(
        "it is not signed, key {trusted} is trusted; have it signed (hemet sign), or get the signed one"
    )]
    Unsigned {
        /// Id of the trusted key.
        trusted: String,
    },
    /// A signature by another key than the trusted one, or by none.
    #[error("it is signed by key {signer}, key {trusted} is trusted{}", if *is_valid { "" } else { ": and the signature does not fit the content" })]
    WrongSignature {
        /// Id of the key that the signature names.
        signer: String,
        /// Id of the trusted key.
        trusted: String,
        /// Whether the signature is that key's.
        is_valid: bool,
    },
    /// Evaluation keys that the artifact does not need.
    #[error(
        "the evaluation keys hold {extra} keys that this artifact does not need ({needed} are needed); send those of `keygen` for it"
    )]
    ExtraKeys {
        /// Keys beyond those that are needed.
        extra: usize,
        /// Keys that are needed.
        needed: usize,
    },
    /// Another number of images than a request takes.
    #[error(
        "{got} images, room for {room} in a request{}; give at least one and at most as many",
        if *room == 1 { " (compile for throughput to send batches)" } else { "" }
    )]
    Batch {
        /// Most images that one request takes.
        room: usize,
        /// Images that were given or asked for.
        got: usize,
    },
    /// Another number of ciphertexts than the schedule says.
    #[error("{what} has {got} ciphertexts, {expected} are needed; {advice}")]
    Count {
        /// Which file or list.
        what: &'static str,
        /// How many are needed.
        expected: usize,
        /// How many there are.
        got: usize,
        /// What to do.
        advice: &'static str,
    },
    /// A ciphertext of another level, scale or degree than the schedule says.
    #[error("ciphertext {index} of {what} has {property} {got}, {expected} is needed; {advice}")]
    Ciphertext {
        /// Which file or list.
        what: &'static str,
        /// Position in the list.
        index: usize,
        /// `level`, `scale`, `degree`, `slots` or `bytes`.
        property: &'static str,
        /// What is needed.
        expected: String,
        /// What there is.
        got: String,
        /// What to do.
        advice: &'static str,
    },
    /// A file or message ends too early or is too long.
    #[error(
        "{what} has {got} bytes, {expected} are needed: it is truncated or has been altered; get it again"
    )]
    Length {
        /// Which file.
        what: &'static str,
        /// Bytes needed.
        expected: u64,
        /// Bytes there are.
        got: u64,
    },
    /// A file from a client says that it is longer than any that the artifact takes.
    #[error(
        "{what} says that it has {got} bytes, none for this artifact has more than {most}; it is not read: get it again"
    )]
    TooLong {
        /// Which file.
        what: &'static str,
        /// Bytes that it says it has.
        got: u64,
        /// Bytes at most.
        most: u64,
    },
    /// Bytes that are no file of ours.
    #[error(
        "{what} was expected, but these bytes are no file of Hemet's; check which file was given"
    )]
    NotOurs {
        /// What was expected.
        what: &'static str,
    },
    /// A file of another kind.
    #[error("{expected} was expected, but this is {got}; check which file was given")]
    Kind {
        /// What was expected.
        expected: &'static str,
        /// What it is.
        got: &'static str,
    },
    /// A file of a newer format.
    #[error(
        "{what} has format version {got}, this program reads up to {newest}; use a newer program"
    )]
    Version {
        /// Which file.
        what: &'static str,
        /// The version that it states.
        got: u32,
        /// The newest version known here.
        newest: u32,
    },
    /// The checksum does not fit.
    #[error(
        "the checksum of {what} is {got}, its content has {computed}: it has been altered; get it again"
    )]
    Checksum {
        /// Which file.
        what: &'static str,
        /// The checksum that it states (first digits).
        got: String,
        /// The checksum of its content (first digits).
        computed: String,
    },
    /// A part of a file that cannot be read although its checksum fits.
    #[error("{what} cannot be read: {reason}; make it again with this version of the program")]
    Malformed {
        /// Which file.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Evaluation keys that were made for artifacts with other parameters or another list of keys.
    #[error(
        "{what} was made for key binding {theirs}, but this artifact has {ours}: its parameters or its list of keys are others; make keys for it (keygen)"
    )]
    ForeignBinding {
        /// Which file.
        what: &'static str,
        /// The binding that it was made for.
        theirs: String,
        /// The binding in use.
        ours: String,
    },
    /// A client that lacks the layers in front of the artifact's.
    #[error(
        "the first {layers} convolutions and dense layers of this network run on the client, and what is here has no such \
         layers: take the spec that was written with the artifact (MODEL.spec beside MODEL.hemet; with keys that are there \
         already, --spec)"
    )]
    NoDevicePart {
        /// How many layers.
        layers: usize,
    },
    /// Features of the device part that the artifact was not compiled for.
    #[error(
        "the layers on the device make of this input a feature {value} (element {index}); the artifact was compiled for \
         {low} to {high}. If such inputs are right, compile it again with such inputs among the samples"
    )]
    FeatureRange {
        /// Position of the feature.
        index: usize,
        /// The feature.
        value: f64,
        /// The least that is possible.
        low: f64,
        /// The greatest that is possible.
        high: f64,
    },
    /// An artifact whose results may not be shown, for keys whose owner may rely on that they may.
    #[error(
        "results under these keys may be shown to others, those of this artifact may not: they would give the key away; make new keys for it (keygen)"
    )]
    NotShown,
    /// An artifact that the signer of the one before has not signed.
    #[error("key {signer} has signed the artifact that these keys were made for, and not this one{}; ask its owner to sign it (hemet sign)", if *is_signed { ", which another key has signed" } else { "" })]
    OtherSigner {
        /// Id of the key that had signed.
        signer: String,
        /// Whether there is a signature.
        is_signed: bool,
    },
    /// Keys or ciphertexts that were made for another artifact.
    #[error(
        "{what} belongs to artifact {theirs}, but artifact {ours} is in use here; use files made for one artifact (keys of a network that was trained anew serve with --spec)"
    )]
    ForeignArtifact {
        /// Which file.
        what: &'static str,
        /// The artifact that it was made for.
        theirs: String,
        /// The artifact in use.
        ours: String,
    },
    /// Ciphertexts that were made under other keys.
    #[error(
        "{what} was made under key set {theirs}, but key set {ours} is in use here; use files of one `keygen`"
    )]
    ForeignKeys {
        /// Which file.
        what: &'static str,
        /// The key set that it was made under.
        theirs: String,
        /// The key set in use.
        ours: String,
    },
    /// Evaluation keys without a key that the artifact needs.
    #[error(
        "the evaluation keys lack {rotations} of {needed} rotation keys{}; make them again with `keygen` for this artifact",
        if *relinearization { " and the relinearization key" } else { "" }
    )]
    MissingKeys {
        /// Rotation keys that are missing.
        rotations: usize,
        /// Rotation keys that the artifact needs.
        needed: usize,
        /// Whether the relinearization key is missing.
        relinearization: bool,
    },
    /// An evaluation key that was made for lower levels than the artifact uses it at.
    #[error(
        "{key} serves levels up to {serves}, the artifact needs it at level {needed}; make the keys again with `keygen` for this artifact"
    )]
    KeyLevel {
        /// Which key.
        key: String,
        /// The highest level at which it can be used.
        serves: usize,
        /// The level at which it is needed.
        needed: usize,
    },
    /// A constant that the backend cannot encode.
    #[error("constant `{name}`: {reason}")]
    Constant {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// An instruction failed.
    #[error("instruction {instruction} (`{op}` of layer `{layer}`): {source}")]
    Instruction {
        /// Its position in the schedule.
        instruction: usize,
        /// Its word.
        op: &'static str,
        /// The layer that it belongs to.
        layer: String,
        /// What went wrong.
        source: Box<RuntimeError>,
    },
    /// Something that the schedule's verifier should have refused; only a backend's own bug leads here.
    #[error("the schedule is not consistent: {0}; verify the artifact and report this")]
    Inconsistent(String),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] hemet_files::WriteError),
    /// A file could not be read.
    #[error("cannot read `{path}`: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The process that a server was to run in could not be started, or failed.
    #[error("the server's own process failed: {outcome}; what it said stands above")]
    Process {
        /// What the system says, or its exit status.
        outcome: String,
    },
    /// The engine refuses an operation, a key or a ciphertext.
    #[error(transparent)]
    Engine(#[from] hemet_ckks::Error),
    /// The parameters are refused.
    #[error(transparent)]
    Parameters(#[from] hemet_ckks_params::ParamError),
}

impl RuntimeError {
    /// Whether everything could be read and an answer was checked and found wrong.
    pub fn is_failed_check(&self) -> bool {
        matches!(
            self,
            RuntimeError::OtherRequest { .. } | RuntimeError::Implausible { .. }
        )
    }
}

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, RuntimeError>;
